import { type Answer, Delivery, type InboxStore, jsonResponse, StoreError } from 'hookonce'
import { defineSender, headerKey, onlyHeader, tokenKey } from 'hookonce/senders'
import { BEARER, bearer } from 'hookonce/senders/bearer'
import { gitlab } from 'hookonce/senders/gitlab'
import { expect, test } from 'vitest'
import { clock, deliver, inboxOf, recordOf, settle, store } from './support.js'

const TOKEN = 'a-token-that-is-sent-along'

/** A sender of somebody's own, who wrote the header's name as it is sent. */
function acme() {
  return defineSender({
    facts: BEARER.facts,
    keys: [tokenKey(TOKEN)],
    secretHeaders: ['X-Acme-Token'],
    read: delivery => ({ signatures: [onlyHeader(delivery, 'x-acme-token') ?? ''], contents: [[]] }),
    key: headerKey('x-event'),
    write: ({ id }, sign) => [
      ['x-event', id],
      ['x-acme-token', sign([])],
    ],
  })
}

const seen = ({ status, headers, body }: Answer) => ({
  status,
  cached: headers.some(([name, value]) => name === 'x-cached' && value === 'true'),
  body: Buffer.from(body).toString(),
})

test('a delivery is acknowledged before it is worked on, a duplicate in any state alike', async () => {
  let finish = () => {}
  const inbox = inboxOf({
    orders: () =>
      new Promise<undefined>(resolve => {
        finish = () => resolve(undefined)
      }),
  })
  const acknowledged = { status: 202, body: '{"status":"accepted","key":"k"}' }
  expect(seen(await deliver(inbox, 'k'))).toEqual({ ...acknowledged, cached: false })
  await settle()
  expect((await recordOf('k'))?.state).toBe('running')
  expect(seen(await deliver(inbox, 'k'))).toEqual({ ...acknowledged, cached: true })
  finish()
  await settle()
  expect((await recordOf('k'))?.state).toBe('completed')
  expect(seen(await deliver(inbox, 'k'))).toEqual({ ...acknowledged, cached: true })
})

test('a thousand duplicates at once are one question to the store, one acceptance and one run', async () => {
  let asked = 0
  const counting: InboxStore = Object.assign(Object.create(store), {
    accept: (request: Parameters<InboxStore['accept']>[0]) => {
      asked++
      return store.accept(request)
    },
  })
  let runs = 0
  const inbox = inboxOf({ orders: () => void runs++ }, { store: counting })
  const answers = await Promise.all(Array.from({ length: 1_000 }, () => deliver(inbox, 'k')))
  await settle()
  expect(answers.map(seen).filter(({ cached }) => !cached)).toHaveLength(1)
  expect(answers.every(({ status }) => status === 202)).toBe(true)
  expect([asked, runs]).toEqual([1, 1])
})

test('the acknowledgement has the status that the sender wants', async () => {
  const inbox = inboxOf({ orders: { handler: () => {}, acceptedStatus: 200 } })
  expect((await deliver(inbox, 'k')).status).toBe(200)
})

test('deliveries without a key are each their own', async () => {
  let runs = 0
  const inbox = inboxOf({ orders: () => void runs++ })
  for (let i = 0; i < 3; i++) expect((await deliver(inbox, undefined)).status).toBe(202)
  await settle()
  expect(runs).toBe(3)
})

test('what a receiver refuses an inbox refuses: nothing is stored', async () => {
  const inbox = inboxOf({ orders: { handler: () => {}, maxBodyBytes: 10, keyRequired: true } })
  const codes = [
    await deliver(inbox, 'k', 'x'.repeat(11)),
    await deliver(inbox, 'a key', '{}'),
    await deliver(inbox, undefined),
  ].map(({ status }) => status)
  expect(codes).toEqual([413, 400, 400])
  expect((await store.list({ limit: 10 })).records).toEqual([])
})

test('a key that is reused with another body is refused while pending, running and after', async () => {
  const inbox = inboxOf({ orders: () => {} })
  await deliver(inbox, 'k', '1')
  expect((await deliver(inbox, 'k', '2')).status).toBe(422)
  await settle()
  expect((await deliver(inbox, 'k', '2')).status).toBe(422)
  expect((await recordOf('k'))?.attempts).toBe(1)
})

test('a store that cannot be reached: 503, and no acknowledgement of what may be lost', async () => {
  const down = Object.assign(Object.create(store), {
    accept: async () => Promise.reject(new StoreError('away', 'refused')),
  })
  const answer = await deliver(inboxOf({ orders: () => {} }, { store: down }), 'k')
  expect(answer.status).toBe(503)
  expect(answer.headers).toContainEqual(['retry-after', '5'])
})

test('an acceptance whose answer was lost is asked for again, and is still the first', async () => {
  let lost = false
  const lossy = Object.assign(Object.create(store), {
    accept: async (request: Parameters<InboxStore['accept']>[0]) => {
      const outcome = await store.accept(request)
      if (lost) return outcome
      lost = true
      throw new StoreError('the answer was lost', 'unknown')
    },
  })
  const inbox = inboxOf({ orders: () => {} }, { store: lossy })
  await inbox.stop()
  const answer = deliver(inbox, 'k')
  await expect.poll(() => lost).toBe(true)
  await clock.advance(50)
  expect(seen(await answer)).toMatchObject({ status: 202, cached: false })
})

test('a delivery whose group is undefined has none', async () => {
  // A field that the payload lacks, in JavaScript.
  const group = () => undefined as unknown as null
  const inbox = inboxOf({ orders: { handler: () => {}, group } })
  await inbox.stop()
  expect(seen(await deliver(inbox, 'k'))).toMatchObject({ status: 202 })
  expect((await recordOf('k'))!.accepted!.group).toBeNull()
})

test('the handler gets the delivery as it arrived, large or small, less what is secret or of the connection', async () => {
  const bodies: string[] = []
  const inbox = inboxOf({
    orders: delivery => void bodies.push(delivery.text(), String(delivery.header('content-type')), delivery.url),
  })
  const large = JSON.stringify(Array.from({ length: 1_000 }, (_, i) => `item ${i}`))
  await deliver(inbox, 'k', large)
  await expect.poll(() => bodies).toEqual([large, 'application/json', '/hooks/orders'])
  const { delivery } = (await recordOf('k'))!
  expect(delivery!.length).toBeLessThan(large.length / 2)
})

test.each(['authorization', 'cookie'])('%s is neither stored nor handed on, whoever sends it', async name => {
  const handed: unknown[] = []
  const inbox = inboxOf({ orders: delivery => void handed.push(delivery.header(name)) })
  const headers: [string, string][] = [
    ['x-idempotency-key', 'k'],
    [name, 'session=abcdef'],
  ]
  const delivery = new Delivery({ method: 'POST', url: '/hooks/orders', headers, body: Buffer.from('{}') })
  await inbox.source('orders').receive(delivery, () => jsonResponse({}))
  await expect.poll(() => handed).toEqual([undefined])
  expect(Buffer.from((await recordOf('k'))!.delivery!).includes('abcdef')).toBe(false)
})

test.each([
  ['authorization', bearer({ tokens: [TOKEN], key: { header: 'x-idempotency-key' } })],
  ['x-gitlab-token', gitlab({ secrets: [TOKEN], scheme: 'secret-token' })],
  ['x-acme-token', acme()],
])('a header that tells the sender’s secret is not stored: %s', async (header, sender) => {
  const stored: Uint8Array[] = []
  const watched: InboxStore = Object.assign(Object.create(store), {
    accept(request: Parameters<InboxStore['accept']>[0]) {
      stored.push(request.delivery)
      return store.accept(request)
    },
  })
  const handled: string[][] = []
  const handler = ({ headers }: Delivery) => void handled.push(headers.map(([name]) => name))
  const inbox = inboxOf({ orders: { handler, sender } }, { store: watched })
  const own = sender.sign({
    method: 'POST',
    url: '/hooks/orders',
    body: Buffer.from('{}'),
    id: 'id-1',
    now: Date.now(),
  })
  const headers = [...own, ['x-other', 'kept'] as const]
  const delivery = new Delivery({ method: 'POST', url: '/hooks/orders', headers, body: Buffer.from('{}') })
  expect((await inbox.source('orders').receive(delivery, () => jsonResponse({}))).status).toBe(202)
  await settle()
  expect(Buffer.concat(stored).toString('latin1')).toContain('x-other')
  expect(Buffer.concat(stored).toString('latin1')).not.toContain(TOKEN)
  expect(handled).toEqual([expect.arrayContaining(['x-other'])])
  expect(handled[0]).not.toContain(header)
})
