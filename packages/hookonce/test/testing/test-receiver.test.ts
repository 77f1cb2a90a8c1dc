import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { jsonResponse, systemClock } from 'hookonce'
import { handleNode } from 'hookonce/adapters/node'
import { stripe } from 'hookonce/senders/stripe'
import { memoryStore } from 'hookonce/stores/memory'
import { CrashError, ManualClock, requestOf, type TestReceiver, testReceiver } from 'hookonce/testing'
import { afterEach, expect, test, vi } from 'vitest'

const opened: { close(): Promise<void> }[] = []
afterEach(async () => {
  vi.useRealTimers()
  for (const receiver of opened.splice(0)) await receiver.close()
})
const open: typeof testReceiver = async options => {
  const receiver = await testReceiver(options)
  opened.push(receiver)
  return receiver
}

const ok = () => jsonResponse({ ok: true })
const sender = stripe({ secrets: ['whsec_0123456789abcdef0123456789abcdef'] })

test('an event that is delivered twice runs once, and both deliveries get the same bytes', async () => {
  const orders = await open({ handler: async delivery => jsonResponse(delivery.json()) })
  const [one, other] = await orders.deliverTwice({ body: { order: 7 } })
  const later = await orders.deliver({ id: 'evt_1', body: { order: 7 } })
  expect(orders.runs).toBe(1)
  expect(one.json()).toEqual({ order: 7 })
  expect([other.body, later.body]).toEqual([one.body, one.body])
  expect([one, other, later].map(({ replayed }) => replayed)).toEqual([false, true, true])
})

test('each event has an id of its own unless it is given one', async () => {
  const orders = await open({ handler: ok })
  await orders.deliver()
  await orders.deliver()
  await orders.deliver({ id: 'evt_2' })
  expect(orders.runs).toBe(2)
})

test('deliveries are signed as the sender signs an example of its events', async () => {
  const events: string[] = []
  const handler = (delivery: { json(): { id: string } }) => {
    events.push(delivery.json().id)
    return ok()
  }
  const payments = await open({ sender, handler })
  expect((await payments.deliver({ id: 'evt_9' })).status).toBe(200)
  expect((await payments.deliver({ headers: { 'stripe-signature': 't=1,v1=00' } })).status).toBe(401)
  expect(events).toEqual(['evt_9'])
})

test('a crash in the handler ends it there, and the next delivery is another attempt', async () => {
  const charges: number[] = []
  let isReached = false
  const payments = await open({
    async handler(_, attempt) {
      charges.push(attempt.number)
      if (attempt.number === 1) {
        await payments.crash()
        isReached = true
      }
      return ok()
    },
  })
  await expect(payments.deliver({ id: 'evt_1' })).rejects.toThrow(CrashError)
  expect((await payments.deliver({ id: 'evt_1' })).status).toBe(200)
  expect(charges).toEqual([1, 2])
  expect(isReached).toBe(false)
})

test('a crash beside the handler breaks the connections that wait', async () => {
  let runs = 0
  const payments = await open({ handler: () => (++runs === 1 ? new Promise<never>(() => {}) : ok()) })
  const waiting = payments.deliverTwice({ id: 'evt_1' })
  const broken = expect(waiting).rejects.toThrow(CrashError)
  await expect.poll(() => payments.runs).toBe(1)
  await payments.crash()
  await broken
  expect((await payments.deliver({ id: 'evt_1' })).outcome).toBe('executed')
})

test('until the lease of a crashed process is over a delivery is told that its event is in progress', async () => {
  const clock = new ManualClock()
  const handler = () => (payments.runs === 1 ? new Promise<never>(() => {}) : ok())
  const payments = await open({ handler, clock, store: memoryStore({ clock }), waitMs: 1_000 })
  const waiting = payments.deliver({ id: 'evt_1' }).catch((error: unknown) => error)
  const duplicate = payments.deliver({ id: 'evt_1' })
  await clock.advance(1_000)
  expect((await duplicate).outcome).toBe('in_progress')
  await payments.crash()
  expect(await waiting).toBeInstanceOf(CrashError)
  expect((await payments.deliver({ id: 'evt_1' })).outcome).toBe('executed')
})

test('results are replayed until the retention is over, by the clock of the test', async () => {
  const orders = await open({ handler: ok, retentionMs: 60_000 })
  await orders.deliver({ id: 'evt_1' })
  await orders.clock.advance(59_999)
  await orders.deliver({ id: 'evt_1' })
  expect(orders.runs).toBe(1)
  await orders.clock.advance(1)
  await orders.deliver({ id: 'evt_1' })
  expect(orders.runs).toBe(2)
})

test('effects are committed with their result, and rolled back with a failure', async () => {
  const orders = await open({
    tables: 'CREATE TABLE payments (id TEXT PRIMARY KEY)',
    onEvent: () => {},
    handler: (_, attempt) =>
      attempt.commit(tx => {
        tx.prepare('INSERT INTO payments VALUES (?)').run('p1')
        if (attempt.number === 1) throw new Error('no')
        return ok()
      }),
  })
  const payments = () => orders.database.prepare('SELECT id FROM payments').all()
  expect((await orders.deliver({ id: 'evt_1' })).status).toBe(500)
  expect(payments()).toEqual([])
  expect((await orders.deliver({ id: 'evt_1' })).status).toBe(200)
  expect(payments()).toMatchObject([{ id: 'p1' }])
})

test('with the clock of the system, fake timers pass the time', async () => {
  vi.useFakeTimers()
  const handler = async () => {
    await new Promise(resolve => setTimeout(resolve, 20_000))
    return ok()
  }
  const orders = await open({ handler, clock: systemClock, leaseMs: 15_000, retentionMs: 60_000 })
  const answer = orders.deliver({ id: 'evt_1' })
  await vi.advanceTimersByTimeAsync(20_000)
  expect((await answer).status).toBe(200)
  expect((await orders.deliver({ id: 'evt_1' })).replayed).toBe(true)
  await vi.advanceTimersByTimeAsync(60_000)
  const again = orders.deliver({ id: 'evt_1' })
  await vi.advanceTimersByTimeAsync(20_000)
  expect((await again).replayed).toBe(false)
})

test('its receiver stands behind any adapter, and requests are signed for it', async () => {
  const payments = await open({ sender, handler: ok })
  const source = payments.receiver.source({ name: 'http', sender })
  const server = createServer(handleNode(source, (_, res) => void res.end('ok')))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhook`
  const { method, headers, body } = requestOf({ id: 'evt_1' }, { sender, url, now: payments.clock.now() })
  const answers = [await fetch(url, { method, headers, body }), await fetch(url, { method, headers, body })]
  server.close()
  expect(answers.map(({ status }) => status)).toEqual([200, 200])
  expect(answers[1]!.headers.get('idempotent-replayed')).toBe('true')
})

test('what does not fit together is refused', async () => {
  const store = memoryStore()
  await expect(testReceiver({ handler: ok, store, tables: 'CREATE TABLE t (id)' })).rejects.toThrow(
    /its own store only/,
  )
  const given: TestReceiver<typeof store> = await open({ handler: ok, store, clock: systemClock })
  assert.throws(() => given.clock, /another clock/)
  assert.throws(() => given.database, /another store/)
})
