import { createInbox, createReceiver, type InboxStore } from 'hookonce'
import { expect, test } from 'vitest'
import { transactional } from '../support/transactional.js'
import { clock, deliver, events, inboxOf, recordOf, settle, store } from './support.js'

/** A handler under control, and what it works on. */
function controlled() {
  const running: { key: string; finish: () => void; fail: () => void }[] = []
  const done: string[] = []
  return {
    running,
    done,
    handler: (_: unknown, attempt: { key: string | null }) =>
      new Promise<undefined>((resolve, reject) => {
        const one = { key: attempt.key! }
        const end = () => void running.splice(running.indexOf(entry), 1)
        const entry = {
          ...one,
          finish: () => {
            done.push(one.key)
            end()
            resolve(undefined)
          },
          fail: () => {
            end()
            reject(new Error('failed'))
          },
        }
        running.push(entry)
      }),
  }
}

const keys = (entries: { key: string }[]) => entries.map(({ key }) => key)

test('as many attempts run at once as a source allows', async () => {
  const { running, handler } = controlled()
  const inbox = inboxOf({ orders: { handler, concurrency: 2 } })
  for (const key of ['a', 'b', 'c', 'd']) await deliver(inbox, key)
  await settle()
  expect(keys(running)).toEqual(['a', 'b'])
  running[0]!.finish()
  await settle()
  expect(keys(running)).toEqual(['b', 'c'])
})

test('sources share the room in turns: a backlog of one does not hold up another', async () => {
  const [orders, mails] = [controlled(), controlled()]
  const inbox = inboxOf({ orders: orders.handler, mails: mails.handler }, { total: 4 })
  for (let i = 0; i < 20; i++) await deliver(inbox, `o${i}`)
  await settle()
  expect(orders.running).toHaveLength(4)
  for (let i = 0; i < 3; i++) await deliver(inbox, `m${i}`, '{}', 'mails')
  await settle()
  expect(mails.running).toHaveLength(0)
  // Whoever has waited for room longest is next: the backlog itself, then the newcomer.
  for (let i = 0; i < 2; i++) {
    orders.running[0]!.finish()
    await settle()
  }
  expect(mails.running).toHaveLength(1)
  mails.running[0]!.finish()
  await settle()
  expect(orders.running.length + mails.running.length).toBe(4)
})

test('a source begins no more in a second than it may', async () => {
  let runs = 0
  const inbox = inboxOf({ orders: { handler: () => void runs++, ratePerSecond: 5 } })
  for (let i = 0; i < 40; i++) await deliver(inbox, `k${i}`)
  await clock.advance(4_000)
  expect(runs).toBeGreaterThanOrEqual(20)
  expect(runs).toBeLessThanOrEqual(5 + 4 * 5)
})

test('within a group one at a time, in the order of acceptance, others meanwhile', async () => {
  const { running, done, handler } = controlled()
  const inbox = inboxOf({
    orders: { handler, group: delivery => delivery.json().customer ?? null, retryDelaysMs: [1_000, 1_000] },
  })
  for (const key of ['a1', 'b1', 'a2', 'free', 'a3']) {
    await deliver(inbox, key, JSON.stringify({ customer: key === 'free' ? null : key[0] }))
  }
  await settle()
  expect(keys(running).sort()).toEqual(['a1', 'b1', 'free'])
  running.find(({ key }) => key === 'a1')!.fail()
  await settle()
  expect(keys(running).sort()).toEqual(['b1', 'free'])
  for (const expected of ['a1', 'a2', 'a3']) {
    await clock.advance(3_000)
    expect(keys(running).filter(key => key.startsWith('a'))).toEqual([expected])
    running.find(({ key }) => key === expected)!.finish()
    await settle()
  }
  expect(done).toEqual(['a1', 'a2', 'a3'])
})

test('a delivery whose process died is taken over by another after one lease, as attempt 2', async () => {
  const dead = controlled()
  const first = inboxOf(
    { orders: dead.handler },
    { store: Object.assign(Object.create(store), { renew: () => new Promise(() => {}) }) },
  )
  await deliver(first, 'k')
  await settle()
  expect(dead.running).toHaveLength(1)
  void first.stop()
  const numbers: number[] = []
  inboxOf({ orders: (_, attempt) => void numbers.push(attempt.number) })
  await clock.advance(20_000)
  expect(numbers).toEqual([2])
  dead.running[0]!.finish()
  await settle()
  const record = (await recordOf('k'))!
  expect([record.state, record.attempts, record.losses]).toEqual(['completed', 2, 0])
})

test('a long attempt keeps its lease', async () => {
  const { running, handler } = controlled()
  const inbox = inboxOf({ orders: handler })
  inboxOf({ orders: () => {} })
  await deliver(inbox, 'k')
  await clock.advance(120_000)
  if (running.length > 0) running[0]!.finish()
  await settle()
  expect((await recordOf('k'))!.attempts).toBe(1)
})

test('a result in hand is not run again when its lease is over before the store takes it', async () => {
  let away = true
  const flaky: InboxStore = Object.assign(Object.create(store), {
    renew: async () => 'lost',
    async complete(...given: Parameters<InboxStore['complete']>) {
      if (away) throw new Error('away')
      return store.complete(...given)
    },
  })
  let runs = 0
  const inbox = inboxOf({ orders: () => void runs++ }, { store: flaky })
  await deliver(inbox, 'k')
  await clock.advance(20_000)
  away = false
  await clock.advance(5_000)
  expect((await recordOf('k'))!.state).toBe('completed')
  expect(runs).toBe(1)
})

test('stopped, it takes nothing more and waits for what runs', async () => {
  const { running, handler } = controlled()
  const inbox = inboxOf({ orders: handler })
  await deliver(inbox, 'a')
  await settle()
  let stopped = false
  const stopping = inbox.stop().then(() => {
    stopped = true
  })
  await deliver(inbox, 'b')
  await settle()
  expect([keys(running), stopped]).toEqual([['a'], false])
  running[0]!.finish()
  await stopping
  expect((await recordOf('a'))!.state).toBe('completed')
  expect((await recordOf('b'))!.state).toBe('pending')
})

test('effects that are committed settle the delivery', async () => {
  const transactions = transactional(store, 'async')
  const receiver = createReceiver({ store: transactions.store, clock })
  const inbox = createInbox({
    receiver,
    handlers: {
      orders: (delivery, attempt) =>
        attempt.commit(async tx => {
          tx.write(delivery.text())
          return { status: 200, headers: [], body: Buffer.from('done') }
        }),
    },
  })
  inbox.start()
  await deliver(inbox, 'k', '"pay"')
  await deliver(inbox, 'k', '"pay"')
  await settle()
  expect(transactions.ledger).toEqual(['"pay"'])
  expect((await recordOf('k'))!.state).toBe('completed')
})

test('a store that is away for a while holds up the work, and loses none of it', async () => {
  let away = true
  const flaky: InboxStore = Object.assign(Object.create(store), {
    claimDue: async (request: Parameters<InboxStore['claimDue']>[0]) => {
      if (away) throw new Error('away')
      return store.claimDue(request)
    },
  })
  let runs = 0
  const inbox = inboxOf({ orders: () => void runs++ }, { store: flaky })
  await deliver(inbox, 'k')
  await clock.advance(30_000)
  expect(runs).toBe(0)
  expect(events.some(({ type }) => type === 'store_failed')).toBe(true)
  away = false
  await clock.advance(2_000)
  expect(runs).toBe(1)
})

test('a delivery that crashes every process it runs in is set aside', async () => {
  const renewed = new Set<string>()
  const crashing: Partial<InboxStore> = {
    renew: (id, leaseId, leaseMs) => {
      if (renewed.has(leaseId)) return new Promise(() => {})
      renewed.add(leaseId)
      return store.renew(id, leaseId, leaseMs)
    },
  }
  const inbox = inboxOf(
    { orders: () => new Promise<undefined>(() => {}) },
    { maxLosses: 3, store: Object.assign(Object.create(store), crashing) },
  )
  await deliver(inbox, 'k')
  await clock.advance(120_000)
  const { state, losses } = (await recordOf('k'))!
  expect([state, losses]).toEqual(['dead', 3])
})

test('a take whose answers are lost is asked again under its lease id: nothing is lost, nothing runs twice', async () => {
  let calls = 0
  const losing: Partial<InboxStore> = {
    claimDue: async request => {
      const claims = await store.claimDue(request)
      return ++calls < 3 ? new Promise(() => {}) : claims
    },
  }
  const runs: number[] = []
  const inbox = inboxOf(
    { orders: (_, attempt) => void runs.push(attempt.number) },
    { store: Object.assign(Object.create(store), losing) },
  )
  await deliver(inbox, 'k')
  await clock.advance(12_000)
  expect(runs).toEqual([1])
})

test('an answer that comes late is used as long as its lease lasts', async () => {
  const late: Partial<InboxStore> = {
    claimDue: async request => {
      const claims = await store.claimDue(request)
      await new Promise<void>(resolve => void clock.after(3_000, resolve))
      return claims
    },
  }
  let runs = 0
  const inbox = inboxOf({ orders: () => void runs++ }, { store: Object.assign(Object.create(store), late) })
  await deliver(inbox, 'k')
  await clock.advance(10_000)
  expect(runs).toBe(1)
  expect((await recordOf('k'))!.attempts).toBe(1)
})

test('while every take is lost nothing dies, and all attempts are still to come', async () => {
  let isLosing = true
  const losing: Partial<InboxStore> = {
    claimDue: async request => {
      const claims = await store.claimDue(request)
      return isLosing ? new Promise(() => {}) : claims
    },
  }
  let runs = 0
  const inbox = inboxOf(
    {
      orders: {
        handler: () => {
          runs++
          throw new Error('not yet')
        },
        retryDelaysMs: [1_000],
      },
    },
    { maxLosses: 2, store: Object.assign(Object.create(store), losing) },
  )
  await deliver(inbox, 'k')
  await clock.advance(300_000)
  expect(runs).toBe(0)
  const { state, losses, attempts, accepted } = (await recordOf('k'))!
  expect([state, losses]).toEqual(['running', 0])
  expect(attempts).toBe(accepted!.earlierAttempts + 1)
  isLosing = false
  await clock.advance(60_000)
  expect(runs).toBe(2)
  expect((await recordOf('k'))!.state).toBe('dead')
})
