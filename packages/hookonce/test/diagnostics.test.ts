import { channel } from 'node:diagnostics_channel'
import { ACTIVITY_CHANNEL, createInbox, createReceiver, Delivery, type HookonceActivity, type Store } from 'hookonce'
import { memoryStore } from 'hookonce/stores/memory'
import { afterEach, expect, test } from 'vitest'
import { flush, ManualClock } from '../dist/testing/manual-clock.js'

const activity = channel(ACTIVITY_CHANNEL)
const unsubscribing: (() => void)[] = []

afterEach(() => {
  for (const unsubscribe of unsubscribing.splice(0)) unsubscribe()
})

function listen(): HookonceActivity[] {
  const told: HookonceActivity[] = []
  const hear = (event: unknown) => void told.push(event as HookonceActivity)
  activity.subscribe(hear)
  unsubscribing.push(() => void activity.unsubscribe(hear))
  return told
}

const withKey = (key: string, body = '{}') =>
  new Delivery({ method: 'POST', url: '/webhook', headers: [['idempotency-key', key]], body: Buffer.from(body) })

const ok = { status: 200, headers: [], body: Buffer.from('done') }

function start(clock = new ManualClock(), store: Store = memoryStore({ clock })) {
  // Without limits, for which the store is asked besides.
  const receiver = createReceiver({ store, clock, onEvent: () => {}, maxRecords: 0, maxStoredBytes: 0 })
  return { clock, receiver, source: receiver.source({ name: 'orders' }) }
}

test('a first delivery tells of its claim, its attempt, its handler, its result and its answer', async () => {
  const { clock, source } = start()
  const told = listen()
  await source.receive(withKey('k'), async () => {
    await clock.advance(40)
    return ok
  })
  const about = { scope: 'orders', key: 'k', attempt: 1 }
  expect(told).toEqual([
    { type: 'store_asked', operation: 'claim', durationMs: 0, failed: false },
    { type: 'store_asked', operation: 'complete', durationMs: 0, failed: false },
    { type: 'attempt_ended', ...about, durationMs: 40, handlerMs: 40, end: 'recorded' },
    {
      ...{ type: 'delivery_answered', scope: 'orders', key: 'k', requestId: null },
      ...{ outcome: 'executed', status: 200, durationMs: 40, ageMs: null },
    },
  ])
})

test('a replay tells how old what is replayed is', async () => {
  const { clock, source } = start()
  await source.receive(withKey('k'), () => ok)
  const told = listen()
  await clock.advance(90_000)
  await source.receive(withKey('k'), () => ok)
  const answered = {
    ...{ type: 'delivery_answered', scope: 'orders', key: 'k', requestId: null },
    ...{ outcome: 'replayed', status: 200 },
  }
  expect(told.at(-1)).toEqual({ ...answered, durationMs: 0, ageMs: 90_000 })
})

test('who joins is counted while it waits', async () => {
  const { source } = start()
  const told = listen()
  let finish = () => {}
  const finished = new Promise<void>(resolve => {
    finish = resolve
  })
  const first = source.receive(withKey('k'), () => finished.then(() => ok))
  const joined = [source.receive(withKey('k'), () => ok), source.receive(withKey('k'), () => ok)]
  await flush()
  finish()
  await Promise.all([first, ...joined])
  const waiting = told.filter(event => event.type === 'waiting_changed').map(event => event.waiting)
  expect(waiting).toEqual([1, 2, 1, 0])
  const outcomes = told.filter(event => event.type === 'delivery_answered').map(event => event.outcome)
  expect(outcomes.sort()).toEqual(['executed', 'joined', 'joined'])
})

test('renewals, and a store that fails, are told', async () => {
  const store = memoryStore()
  const { clock, source } = start(new ManualClock(), store)
  const told = listen()
  let fail = false
  const renew = store.renew
  store.renew = (...args) => (fail ? Promise.reject(new Error('gone')) : renew(...args))
  await source.receive(withKey('k'), async () => {
    await clock.advance(6_000)
    fail = true
    await clock.advance(5_000)
    return ok
  })
  const about = { scope: 'orders', key: 'k', attempt: 1 }
  expect(told.filter(event => event.type === 'lease_renewed')).toEqual([{ type: 'lease_renewed', ...about }])
  const asked = told.filter(event => event.type === 'store_asked' && event.operation === 'renew')
  expect(asked[0]).toMatchObject({ failed: false })
  expect(asked[1]).toMatchObject({ failed: true })
})

test('an attempt that lost its key ends at once, and its handler when it does', async () => {
  const { clock, receiver, source } = start()
  const told = listen()
  await source.receive(withKey('k'), async () => {
    expect(receiver.running()).toEqual(new Map([['orders', 1]]))
    await clock.advance(40)
    await receiver.deleteRecord('orders', 'k', { force: true })
    await clock.advance(60)
    return ok
  })
  await receiver.settled()
  expect(receiver.running()).toEqual(new Map())
  const about = { scope: 'orders', key: 'k', attempt: 1 }
  expect(told.filter(({ type }) => type === 'attempt_ended' || type === 'late_handler_ended')).toEqual([
    { type: 'attempt_ended', ...about, durationMs: 40, handlerMs: null, end: 'lost' },
    { type: 'late_handler_ended', ...about, handlerMs: 100 },
  ])
})

test('an attempt without a key whose answer is a failure is told as one', async () => {
  const { source } = start()
  const told = listen()
  const keyless = new Delivery({ method: 'POST', url: '/webhook', headers: [], body: Buffer.from('{}') })
  await source.receive(keyless, () => ({ ...ok, status: 503 }))
  await source.receive(keyless, () => ok)
  expect(told.flatMap(event => (event.type === 'attempt_ended' ? [event.end] : []))).toEqual(['given_back', 'recorded'])
})

test('attempts without a key and those of an inbox count as running under their source', async () => {
  const { receiver, source } = start()
  const inbox = createInbox({
    receiver,
    handlers: { mails: () => void expect(receiver.running()).toEqual(new Map([['mails', 1]])) },
  })
  const keyless = new Delivery({ method: 'POST', url: '/webhook', headers: [], body: Buffer.from('{}') })
  await source.receive(keyless, () => {
    expect(receiver.running()).toEqual(new Map([['orders', 1]]))
    return ok
  })
  await inbox.source('mails').receive(withKey('k'), () => ok)
  inbox.start()
  await expect.poll(() => receiver.record('mails', 'k')).toMatchObject({ state: 'completed' })
  await inbox.stop()
})

test('what is refused, accepted and worked on later is told under its source', async () => {
  const receiver = createReceiver({ store: memoryStore(), maxBodyBytes: 8 })
  const inbox = createInbox({ receiver, handlers: { mails: () => {} } })
  const told = listen()
  const source = inbox.source('mails')
  source.tooLarge()
  await source.receive(withKey('k'), () => ok)
  await source.receive(withKey('k'), () => ok)
  await source.receive(withKey('k', '{"a":1}'), () => ok)
  const outcomes = told.flatMap(event => (event.type === 'delivery_answered' ? [[event.scope, event.outcome]] : []))
  expect(outcomes).toEqual([
    ['mails', 'invalid'],
    ['mails', 'accepted'],
    ['mails', 'replayed'],
    ['mails', 'mismatch'],
  ])
  inbox.start()
  await expect.poll(() => told.find(event => event.type === 'attempt_ended')).toMatchObject({ end: 'recorded' })
  await inbox.stop()
})

test('while nobody subscribes no clock is read for it', async () => {
  const reads = async () => {
    const { clock, source } = start()
    let count = 0
    const monotonic = clock.monotonic
    clock.monotonic = () => {
      count++
      return monotonic.call(clock)
    }
    await source.receive(withKey('k'), () => ok)
    return count
  }
  const unheard = await reads()
  listen()
  expect(await reads()).toBeGreaterThan(unheard)
})
