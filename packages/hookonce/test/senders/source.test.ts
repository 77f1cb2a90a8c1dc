import { type Answer, createReceiver, Delivery, type Handler, type SourceOptions } from 'hookonce'
import { github } from 'hookonce/senders/github'
import { stripe } from 'hookonce/senders/stripe'
import { memoryStore } from 'hookonce/stores/memory'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { everySender, PUBLIC_URL } from './support.js'

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

  test('answers 400 when the sender’s key is missing or cannot be one', async () => {
    const handler = counting()
    const sender = stripe({ secrets: [SECRET] })
    const hooks = source({ sender })
    const missing = await hooks.receive(sent(sender, '', '{}'), handler)
    expect([missing.status, json(missing).code]).toEqual([400, 'key_missing'])
    for (const id of ['""', 'true', '{}', '["evt_1"]']) {
      const invalid = await hooks.receive(sent(sender, '', `{"id":${id}}`), handler)
      expect([id, invalid.status, json(invalid).code]).toEqual([id, 400, 'key_invalid'])
    }
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

  test('keeps results as long as the sender redelivers, and warns if the option is shorter', async () => {
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

  test('says when a captured delivery would be taken for longer than its record is kept', () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const slow = stripe({ secrets: [SECRET], toleranceMs: 3_600_000 })
    const hasty = { ...slow, facts: { ...slow.facts, retryHorizonMs: null } }
    source({ sender: hasty, retentionMs: 3_600_000 })
    source({ sender: { ...hub, facts: hasty.facts }, retentionMs: 1_000 })
    expect(warned).not.toHaveBeenCalled()
    source({ sender: hasty, retentionMs: 3_599_999 })
    expect(warned.mock.calls.map(([text]) => text)).toEqual([
      'results are kept for 60 min, and a signature of Stripe is taken for 1 h: a captured delivery can be run again in between',
    ])
    warned.mockRestore()
  })

  test('keeps what any sender signed for longer than it takes it', () => {
    for (const { title, kind, recipe } of everySender()) {
      const options = { secrets: [recipe.secret()], publicUrl: PUBLIC_URL, verifyToken: 'a verify token' }
      const { toleranceMs = 0, facts } = recipe.create?.(options) ?? kind.create(options)
      expect([title, toleranceMs <= Math.max(7 * 86_400_000, facts.retryHorizonMs ?? 0)]).toEqual([title, true])
    }
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

describe('signed content under a name that is not signed', () => {
  test('does not run again under another name: the first result is the answer', async () => {
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

  test('runs once when it comes under many names at once', async () => {
    const handler = counting()
    const hooks = source()
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, at) => hooks.receive(sent(hub, `id-${at}`, '{"n":1}'), handler)),
    )
    expect(handler.runs).toBe(1)
    expect(answers.filter(answer => answer.status !== 200)).toEqual([])
    expect(answers.filter(answer => header(answer, 'x-cached') === undefined)).toHaveLength(1)
  })

  test('runs for each content that comes under one name, as an event that two webhooks deliver', async () => {
    const ran: string[] = []
    const hooks = source()
    const deliver = (body: string) =>
      hooks.receive(sent(hub, 'one GUID', body), async delivery => {
        ran.push(delivery.text())
        return { status: 200, headers: [], body: delivery.body }
      })
    const [first, second] = ['{"installation":{"id":111}}', '{"installation":{"id":222}}']
    for (const body of [first!, second!, first!]) expect(Buffer.from((await deliver(body)).body).toString()).toBe(body)
    expect(ran).toEqual([first, second])
  })

  test('runs when the sender delivers a failed event again', async () => {
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
    const delivery = sent(hub, 'id-1', '{"n":1}')
    await hooks.receive(delivery, handler)
    expect(await receiver.deleteRecord('x', hub.key(delivery)!)).toBe('deleted')
    await hooks.receive(delivery, handler)
    expect(handler.runs).toBe(2)
  })

  test('costs one question to the store for a duplicate, and no more for a first one than a signed name', async () => {
    const questions = async (sender: typeof hub, body: string) => {
      asked = 0
      await source({ sender }).receive(sent(sender, 'id-1', body), counting())
      return asked
    }
    expect(await questions(hub, '{"id":"n"}')).toBe(await questions(stripe({ secrets: [SECRET] }), '{"id":"evt_n"}'))
    expect(await questions(hub, '{"id":"n"}')).toBe(1)
  })
})
