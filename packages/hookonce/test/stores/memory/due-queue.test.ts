import fc from 'fast-check'
import { memoryStore } from 'hookonce/stores/memory'
import { expect, test } from 'vitest'

const anyRound = fc.record({
  arrivals: fc.integer({ min: 0, max: 400 }),
  /** Of one in so many. */
  delayed: fc.constantFrom(3, 50, 1_000_000),
  delayMs: fc.constantFrom(5, 200, 3_000),
  claims: fc.integer({ min: 1, max: 450 }),
  failing: fc.constantFrom(2, 10, 1_000_000),
  deletes: fc.boolean(),
  /** A clock may step back. */
  passesMs: fc.constantFrom(0, 1, 30, 500),
})

test('with thousands in line those are taken that have been due longest, each once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyRound, { minLength: 30, maxLength: 60, size: 'max' }), async rounds => {
      const clock = {
        time: 1_700_000_000_000,
        now: () => clock.time,
        monotonic: () => clock.time,
        after: () => () => {},
      }
      const store = memoryStore({ clock })
      const dueAt = new Map<string, number>()
      for (const [number, round] of rounds.entries()) {
        for (let i = 0; i < round.arrivals; i++) {
          const key = `${number}-${i}`
          const delayMs = i % round.delayed === 2 ? round.delayMs : 0
          const what = { fingerprint: null, retentionMs: 1000, delivery: Buffer.from(key), group: null }
          await store.accept({ scope: 's', key, acceptId: key, delayMs, ...what })
          dueAt.set(key, clock.time + delayMs)
        }
        const first = [...dueAt.keys()][0]
        if (round.deletes && first !== undefined) {
          expect(await store.delete({ scope: 's', key: first })).toBe('deleted')
          dueAt.delete(first)
        }
        clock.time += round.passesMs
        expect((await store.backlog('s')).inLine).toBe(dueAt.size)

        const due = [...dueAt.values()].filter(at => at <= clock.time).toSorted((a, b) => a - b)
        const leaseId = `lease ${number}`
        const lease = { leaseId, leaseMs: 60_000, lockTtlMs: 60_000, maxLosses: 3 }
        const taken = await store.claimDue({ scope: 's', limit: round.claims, ...lease })
        expect(taken.map(({ key }) => dueAt.get(key))).toEqual(due.slice(0, round.claims))
        for (const [i, id] of taken.entries()) {
          if (i % round.failing === 1) {
            await store.fail(id, leaseId, 'not now', { dueInMs: round.delayMs })
            dueAt.set(id.key, clock.time + round.delayMs)
          } else {
            await store.complete(id, leaseId, Buffer.from('done'))
            dueAt.delete(id.key)
          }
        }
      }
    }),
    { numRuns: 30 },
  )
})

test('a record that is claimed is due when its lease ends', async () => {
  const clock = { time: 1_700_000_000_000, now: () => clock.time, monotonic: () => clock.time, after: () => () => {} }
  const store = memoryStore({ clock })
  const id = { scope: 's', key: 'k' }
  const lease = { leaseMs: 1000, lockTtlMs: 1000, maxLosses: 3 }
  const what = { fingerprint: null, retentionMs: 1000, delivery: Buffer.from('k'), group: null }
  const claimDue = async (leaseId: string) => (await store.claimDue({ scope: 's', limit: 1, leaseId, ...lease })).length
  await store.accept({ ...id, acceptId: 'a', delayMs: 0, ...what })
  await store.claim({ ...id, fingerprint: null, retentionMs: 1000, leaseId: 'ann', ...lease })
  expect(await claimDue('ben')).toBe(0)
  clock.time += 1000
  expect([await claimDue('ben'), await claimDue('cid')]).toEqual([1, 0])
})
