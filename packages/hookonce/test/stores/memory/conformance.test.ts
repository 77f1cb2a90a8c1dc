import { memoryJournal, memoryStore } from 'hookonce/stores/memory'
import { type StoreCase, storeCases } from 'hookonce/testing/store'
import { describe, expect, test } from 'vitest'

const HERE: StoreCase['needs'][] = ['inbox', 'groups', 'journal']

describe('memory store', () => {
  for (const { name, needs, run } of storeCases) {
    const store = { ...memoryStore(), journal: memoryJournal() }
    if (needs === undefined || HERE.includes(needs)) test(name, () => run({ open: async () => store }))
  }
})

const claim = {
  scope: 's',
  fingerprint: null,
  leaseId: 'a',
  leaseMs: 10,
  lockTtlMs: 10,
  retentionMs: 10,
  maxLosses: 10,
}

function storeWithClock() {
  const clock = { now: () => clock.time, monotonic: () => clock.time, after: () => () => {}, time: 1_700_000_000_000 }
  return { clock, store: memoryStore({ clock }) }
}

test('expired records do not pile up under a steady load', async () => {
  const { clock, store } = storeWithClock()
  let most = 0
  for (let i = 0; i < 20_000; i++, clock.time++) {
    await store.claim({ ...claim, key: `key ${i}` })
    most = Math.max(most, (await store.stats()).records!)
  }
  expect(most).toBeLessThan(60) // 20 records are unexpired at any time
})

test('purge removes every expired record, as many at a time as asked', async () => {
  const { clock, store } = storeWithClock()
  for (let i = 0; i < 5; i++) await store.claim({ ...claim, key: `key ${i}` })
  clock.time += 20
  expect([await store.purge(2), await store.purge(2), await store.purge(2), await store.purge(2)]).toEqual([2, 2, 1, 0])
  expect(await store.stats()).toEqual({ records: 0 })
})

test('purge removes a record that expires before an older one', async () => {
  const { clock, store } = storeWithClock()
  await store.claim({ ...claim, key: 'long', retentionMs: 1000 })
  await store.claim({ ...claim, key: 'short' })
  await store.claim({ ...claim, key: 'longest', retentionMs: 2000 })
  expect(await store.purge(10)).toBe(0)
  clock.time += 20
  expect([await store.purge(10), await store.purge(10)]).toEqual([1, 0])
  clock.time += 1000
  expect([await store.purge(10), await store.purge(10)]).toEqual([1, 0])
})

test('a list is newest first, by creation', async () => {
  const { store } = storeWithClock()
  for (const key of ['one', 'two', 'three']) await store.claim({ ...claim, key })
  await store.fail({ scope: 's', key: 'one' }, 'a', '')
  await store.claim({ ...claim, key: 'one', leaseId: 'b' })
  const { records } = await store.list({ limit: 10 })
  expect(records.map(record => record.key)).toEqual(['three', 'two', 'one'])
})

test('tokens rise when the clock steps back', async () => {
  const { clock, store } = storeWithClock()
  const before = await store.claim({ ...claim, key: 'one' })
  clock.time -= 3_600_000
  await store.delete({ scope: 's', key: 'one' }, { force: true })
  const after = await store.claim({ ...claim, key: 'one' })
  expect(before).toEqual({ status: 'acquired', attempt: 1, fencingToken: '1700000000000000', tookOver: false })
  expect(after).toEqual({ status: 'acquired', attempt: 1, fencingToken: '1700000000000001', tookOver: false })
})
