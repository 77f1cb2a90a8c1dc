import {
  type Answer,
  createInbox,
  createReceiver,
  Delivery,
  type Handler,
  type InboxHandler,
  type SourceOptions,
} from 'hookonce'
import { github } from 'hookonce/senders/github'
import { stripe } from 'hookonce/senders/stripe'
import { memoryStore } from 'hookonce/stores/memory'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

let asked: number
let store: ReturnType<typeof memoryStore>
beforeEach(() => {
  asked = 0
  const inner = memoryStore()
  // Counts every question that reaches the store.
  store = new Proxy(inner, {
    get(target, name) {
      const member = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      return (...args: unknown[]) => {
        asked++
        return member.apply(target, args)
      }
    },
  })
})
afterEach(() => store.close())

const SECRET = 'a secret that is long enough'
const hub = github({ secrets: [SECRET] })

function sent(sender: typeof hub, id: string, body: string, extra: [string, string][] = []) {
  const headers = sender.sign({ method: 'POST', url: 'http://x/', body: Buffer.from(body), id, now: Date.now() })
  return new Delivery({ method: 'POST', url: '/hooks/x', headers: [...headers, ...extra], body: Buffer.from(body) })
}

function counting(answer: () => number = () => 200) {
  const handler: Handler & { runs: number } = Object.assign(
    async () => ({ status: answer(), headers: [], body: Buffer.from(`run ${++handler.runs}`) }),
    { runs: 0 },
  )
  return handler
}

const source = (options: Partial<SourceOptions> = {}) =>
  createReceiver({ store }).source({ name: 'x', sender: hub, ...options })
const header = (answer: Answer, name: string) => answer.headers.find(([each]) => each === name)?.[1]
const json = (answer: Answer) => JSON.parse(Buffer.from(answer.body).toString())

describe('a source with a sender', () => {
  test('runs what the sender signed, once', async () => {
    const handler = counting()
    const hooks = source()
    const first = await hooks.receive(sent(hub, 'id-1', '{}'), handler)
    const second = await hooks.receive(sent(hub, 'id-1', '{}'), handler)
    expect([first.status, second.status, header(second, 'x-cached'), handler.runs]).toEqual([200, 200, 'true', 1])
  })

  test('answers 401 to what it did not sign, and asks the store nothing', async () => {
    const handler = counting()
    const answer = await source().receive(sent(github({ secrets: ['another'] }), 'id-1', '{}'), handler)
    expect(answer).toMatchObject({ status: 401, outcome: 'unauthorized' })
    expect(json(answer).code).toBe('signature_invalid')
    expect([handler.runs, asked]).toEqual([0, 0])
  })

  test('reads no key but the sender’s own', async () => {
    const handler = counting()
    const hooks = source()
    for (const [at, name] of ['x-idempotency-key', 'idempotency-key', 'webhook-id'].entries()) {
      await hooks.receive(sent(hub, 'id-1', '{}', [[name, `fresh-${at}`]]), handler)
    }
    expect(handler.runs).toBe(1)
  })

  test('answers 400 when the sender’s key is missing or there twice', async () => {
    const handler = counting()
    const hooks = source()
    const bare = sent(hub, 'id-1', '{}')
    const without = bare.headers.filter(([name]) => name !== 'x-github-delivery')
    const init = { method: 'POST', url: '/', body: bare.body }
    const missing = await hooks.receive(new Delivery({ ...init, headers: without }), handler)
    const twice = await hooks.receive(
      new Delivery({ ...init, headers: [...bare.headers, ['x-github-delivery', 'id-2']] }),
      handler,
    )
    expect([missing.status, json(missing).code]).toEqual([400, 'key_missing'])
    expect([twice.status, json(twice).code]).toEqual([400, 'key_invalid'])
    expect([handler.runs, asked]).toEqual([0, 0])
  })

  test('takes a retry whose bytes differ for the duplicate that it is', async () => {
    const handler = counting()
    const hooks = source({ sender: stripe({ secrets: [SECRET] }) })
    const sender = stripe({ secrets: [SECRET] })
    await hooks.receive(sent(sender, '', '{"id":"evt_1","pending_webhooks":1}'), handler)
    const answer = await hooks.receive(sent(sender, '', '{"id":"evt_1","pending_webhooks":0}'), handler)
    expect([answer.status, header(answer, 'x-cached'), handler.runs]).toEqual([200, 'true', 1])
  })

  test('is no place to GET', async () => {
    const answer = await source().receive(
      new Delivery({ method: 'GET', url: '/', headers: [], body: Buffer.alloc(0) }),
      counting(),
    )
    expect(answer.status).toBe(405)
  })

  test('keeps results for as long as the sender delivers again, and says when told to keep them less', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const hooks = source({ name: 'kept', sender: stripe({ secrets: [SECRET] }) })
    expect(warned).not.toHaveBeenCalled()
    await hooks.receive(sent(stripe({ secrets: [SECRET] }), '', '{"id":"evt_1"}'), counting())
    const record = await store.get({ scope: 'kept', key: 'evt_1' })
    expect((record!.expiresAt - record!.settledAt!) / 86_400_000).toBe(30)
    source({ name: 'short', sender: stripe({ secrets: [SECRET] }), retentionMs: 3_600_000 })
    expect(warned.mock.calls[0]![0]).toMatch(/kept for 1 h, and Stripe may deliver an event again for 720 h/)
    warned.mockRestore()
  })

  test('answers with the one status that its sender takes for success', async () => {
    const strict = { ...hub, success: [200] }
    const hooks = source({ sender: strict })
    const first = await hooks.receive(
      sent(hub, 'id-1', '{}'),
      counting(() => 201),
    )
    const second = await hooks.receive(sent(hub, 'id-1', '{}'), counting())
    expect([first.status, second.status]).toEqual([200, 200])
    const empty = source({ name: 'empty', sender: { ...hub, success: [204] } })
    const answer = await empty.receive(sent(hub, 'id-1', '{"empty":1}'), counting())
    expect([answer.status, answer.body.length]).toEqual([204, 0])
    const failed = await hooks.receive(
      sent(hub, 'id-2', '{"id":2}'),
      counting(() => 500),
    )
    expect(failed.status).toBe(500)
  })

  test('answers a handshake without a run and without the store, a signed one only if it is signed', async () => {
    const hello = { status: 200, headers: [], body: Buffer.from('hello') }
    const sender = {
      ...hub,
      unsignedHandshake: ({ method }: Delivery) => (method === 'GET' ? hello : null),
      handshake: (delivery: Delivery) => (delivery.text() === 'hello?' ? hello : null),
    }
    const hooks = source({ sender })
    const handler = counting()
    const signed = sent(hub, 'id-1', 'hello?')
    const forged = new Delivery({ method: 'POST', url: '/', headers: [], body: Buffer.from('hello?') })
    const get = new Delivery({ method: 'GET', url: '/', headers: [], body: Buffer.alloc(0) })
    expect(await hooks.receive(get, handler)).toMatchObject({ status: 200, outcome: 'handshake' })
    expect(await hooks.receive(signed, handler)).toMatchObject({ status: 200, outcome: 'handshake' })
    expect(await hooks.receive(forged, handler)).toMatchObject({ status: 401 })
    expect([handler.runs, asked]).toEqual([0, 0])
  })

  test('verifies with the old and the new secret while one is replaced', async () => {
    const [old, both, fresh] = [['old'], ['old', 'new'], ['new']].map(secrets => github({ secrets }))
    const answers = (sender: typeof hub) =>
      Promise.all(
        [old!, fresh!].map((by, at) => source({ sender }).receive(sent(by, `id-${at}`, `{"n":${at}}`), counting())),
      )
    expect((await answers(both!)).map(({ status }) => status)).toEqual([200, 200])
    expect((await answers(fresh!)).map(({ status }) => status)).toEqual([401, 200])
  })
})

describe('signed content under a key that is not signed', () => {
  test('does not run again under another key: the first key’s result is the answer', async () => {
    const handler = counting()
    const hooks = source()
    await hooks.receive(sent(hub, 'id-1', '{"n":1}'), handler)
    const forged = await hooks.receive(sent(hub, 'id-2', '{"n":1}'), handler)
    expect([forged.status, header(forged, 'x-cached'), Buffer.from(forged.body).toString(), handler.runs]).toEqual([
      200,
      'true',
      'run 1',
      1,
    ])
  })

  test('runs once when it comes under many keys at once', async () => {
    const handler = counting()
    const hooks = source()
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, at) => hooks.receive(sent(hub, `id-${at}`, '{"n":1}'), handler)),
    )
    expect(handler.runs).toBe(1)
    expect(answers.filter(answer => answer.status !== 200)).toEqual([])
    expect(answers.filter(answer => header(answer, 'x-cached') === undefined)).toHaveLength(1)
  })

  test('runs when the sender delivers a failed event again under its key', async () => {
    const statuses = [500, 200]
    const handler = counting(() => statuses.shift()!)
    const hooks = source()
    expect((await hooks.receive(sent(hub, 'id-1', '{"n":1}'), handler)).status).toBe(500)
    expect((await hooks.receive(sent(hub, 'id-1', '{"n":1}'), handler)).status).toBe(200)
    expect(handler.runs).toBe(2)
  })

  test('runs again after an operator deleted the record', async () => {
    const handler = counting()
    const receiver = createReceiver({ store })
    const hooks = receiver.source({ name: 'x', sender: hub })
    await hooks.receive(sent(hub, 'id-1', '{"n":1}'), handler)
    expect(await receiver.deleteRecord('x', 'id-1')).toBe('deleted')
    await hooks.receive(sent(hub, 'id-1', '{"n":1}'), handler)
    expect(handler.runs).toBe(2)
  })

  test('costs a duplicate one question to the store', async () => {
    const hooks = source()
    await hooks.receive(sent(hub, 'id-1', '{"n":1}'), counting())
    asked = 0
    await hooks.receive(sent(hub, 'id-1', '{"n":1}'), counting())
    expect(asked).toBe(1)
  })

  test('is worked on once in an inbox, and the record of the other key says whose it is', async () => {
    let runs = 0
    const handler: InboxHandler = async () => void runs++
    const receiver = createReceiver({ store })
    const inbox = createInbox({ receiver, handlers: { x: { handler, sender: hub } } })
    const hooks = inbox.source('x')
    for (const id of ['id-1', 'id-2']) {
      expect((await hooks.receive(sent(hub, id, '{"n":1}'), counting())).status).toBe(202)
    }
    inbox.start()
    const completed = async (key: string) => (await receiver.record('x', key))?.state === 'completed'
    await vi.waitUntil(async () => (await completed('id-1')) && (await completed('id-2')))
    await inbox.stop()
    expect(runs).toBe(1)
    const bodies = await Promise.all(
      ['id-1', 'id-2'].map(async key => Buffer.from((await receiver.record('x', key))!.response!.body).toString()),
    )
    expect(bodies.map(body => body && JSON.parse(body).status).sort()).toEqual(['', 'duplicate'])
  })
})
