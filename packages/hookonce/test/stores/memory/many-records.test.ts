import assert from 'node:assert/strict'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import type { InboxStore } from 'hookonce'
import { memoryStore } from 'hookonce/stores/memory'
import { expect, test } from 'vitest'

const HOUR = 3_600_000

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

const attempt = { fingerprint: null, leaseMs: 1000, lockTtlMs: 1000, maxLosses: 3 }

function storeWithClock() {
  const clock = { time: 1_700_000_000_000, now: () => clock.time, monotonic: () => clock.time, after: () => () => {} }
  return { clock, store: memoryStore({ clock }) }
}

interface Kept {
  result: Buffer
  expiresAt: number
}

async function record(store: InboxStore, key: string, result: Buffer, retentionMs: number): Promise<void> {
  const id = { scope: 'many', key }
  const claimed = await store.claim({ ...attempt, ...id, leaseId: `lease of ${key}`, retentionMs })
  assert.equal(claimed.status, 'acquired')
  assert.equal((await store.complete(id, `lease of ${key}`, result)).status, 'completed')
}

const anySize = fc.oneof(
  { weight: 100, arbitrary: fc.nat(800) },
  { weight: 5, arbitrary: fc.nat(12_000) },
  { weight: 1, arbitrary: fc.integer({ min: 16_000, max: 200_000 }) },
)
const anyText = fc.oneof(fc.string({ maxLength: 20 }), fc.string({ unit: 'binary', maxLength: 20 }))
const anyStep = fc.record({
  text: anyText,
  size: anySize,
  retentionMs: fc.constantFrom(1000, 50_000, HOUR),
  pause: fc.constantFrom(0, 1, 50, 500),
  removes: fc.option(fc.nat(), { freq: 3 }),
})

test('whatever goes, what stays is found, and is what it was', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { minLength: 500, maxLength: 1500, size: 'max' }), async steps => {
      const { clock, store } = storeWithClock()
      const kept = new Map<string, Kept>()
      for (const [number, { text, size, retentionMs, pause, removes }] of steps.entries()) {
        const key = `${number} ${text}`
        const result = Buffer.alloc(size, key)
        await record(store, key, result, retentionMs)
        kept.set(key, { result, expiresAt: clock.time + retentionMs })
        clock.time += pause
        if (removes === null) continue
        const victim = [...kept.keys()][removes % kept.size]!
        const isThere = clock.time < kept.get(victim)!.expiresAt
        assert.equal(await store.delete({ scope: 'many', key: victim }), isThere ? 'deleted' : 'absent')
        kept.delete(victim)
      }

      const there = [...kept].filter(([, { expiresAt }]) => clock.time < expiresAt)
      assert.deepEqual(await keysOfAllPages(store), there.map(([key]) => key).reverse())
      for (const [key, { result, expiresAt }] of kept) {
        const found = await store.get({ scope: 'many', key })
        if (clock.time >= expiresAt) assert.equal(found, undefined)
        else assert.ok(result.equals(found!.result!))
      }
    }),
    { numRuns: 20 },
  )
})

async function keysOfAllPages(store: InboxStore): Promise<string[]> {
  const keys: string[] = []
  for (let after: string | undefined; ; ) {
    const { records, next } = await store.list({ limit: 100, ...(after !== undefined && { after }) })
    keys.push(...records.map(({ key }) => key))
    if (next === undefined) return keys
    after = next
  }
}

test('memory is given back, and does not stay for the sake of the few that do', async () => {
  const { clock, store } = storeWithClock()
  collectGarbage()
  const bytesBefore = process.memoryUsage().arrayBuffers
  const taken = () => (process.memoryUsage().arrayBuffers - bytesBefore) / 2 ** 20
  const result = Buffer.alloc(2000, 'r')
  let number = 0
  const recordMany = async (times: number, retentionMs: (number: number) => number) => {
    for (const end = number + times; number < end; number++)
      await record(store, `key ${number}`, result, retentionMs(number))
  }

  await recordMany(20_000, number => (number % 50 === 0 ? HOUR : 10_000))
  expect(taken()).toBeGreaterThan(25)
  clock.time += 10_000
  // Each claim looks at two records, and adds one that has to be removed as well.
  await recordMany(40_000, () => 0)
  const takenNow = () => {
    collectGarbage()
    return taken()
  }
  await expect.poll(takenNow, { timeout: 20_000 }).toBeLessThan(10)
  for (let kept = 0; kept < 20_000; kept += 50) {
    assert.deepEqual((await store.get({ scope: 'many', key: `key ${kept}` }))!.result, result)
  }
})

test('a page of rare records ends before it has passed all', async () => {
  const { store } = storeWithClock()
  const failed = { scope: 'many', key: 'failed' }
  await store.claim({ ...attempt, ...failed, leaseId: 'lease', retentionMs: HOUR })
  await store.fail(failed, 'lease', 'it broke')
  for (let number = 0; number < 100_000; number++) await record(store, `key ${number}`, Buffer.alloc(1), HOUR)
  const first = await store.list({ state: 'failed', limit: 10 })
  expect(first).toEqual({ records: [], next: expect.any(String) })
  const { records, next } = await store.list({ state: 'failed', limit: 10, after: first.next! })
  expect([records.map(({ key }) => key), next]).toEqual([['failed'], undefined])
})

test('a completed record that is begun anew is what it was until then', async () => {
  const { store } = storeWithClock()
  const id = { scope: 'many', key: 'again ü 𝄞 \ud800' }
  const delivery = Buffer.from('what was accepted')
  await store.accept({ ...id, fingerprint: 'f', acceptId: 'a', retentionMs: HOUR, delivery, delayMs: 0, group: 'g' })
  const due = { scope: 'many', limit: 1, leaseId: 'l', leaseMs: 1000, lockTtlMs: 1000, maxLosses: 3 }
  await store.claimDue(due)
  await store.complete(id, 'l', Buffer.from('the first result'))
  expect(await store.get(id)).toMatchObject({ state: 'completed', result: Buffer.from('the first result'), delivery })
  expect(await store.redrive(id, { completed: true })).toBe('redriven')
  for (let number = 0; number < 100; number++) await record(store, `${number}`, Buffer.alloc(1000), HOUR)
  expect(await store.get(id)).toMatchObject({ ...id, state: 'pending', result: null, fingerprint: 'f', attempts: 1 })
  expect(await store.claimDue({ ...due, leaseId: 'm' })).toMatchObject([{ ...id, attempt: 2, delivery }])
  await store.complete(id, 'm', Buffer.from('the second'))
  expect(await store.get(id)).toMatchObject({ result: Buffer.from('the second'), accepted: { group: 'g', round: 2 } })
})
