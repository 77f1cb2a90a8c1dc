import type { Clock, Store } from 'hookonce'
import { memoryStore } from 'hookonce/stores/memory'
import { expect, test } from 'vitest'
import { checkHistory } from '../support/check-history.js'
import { type Fault, type History, simulate } from '../support/simulation.js'

const SEEDS = Number(process.env.HOOKONCE_TEST_SEEDS ?? 2_000)
const FIRST_SEED = Number(process.env.HOOKONCE_TEST_SEED ?? 1)

const store = (clock: Clock) => memoryStore({ clock })

async function simulateAll(faults: boolean, seeds: number): Promise<Record<Fault, number>> {
  const fired: Record<string, number> = {}
  for (let seed = FIRST_SEED; seed < FIRST_SEED + seeds; seed++) {
    let history: History
    try {
      history = await simulate({ seed, store, faults })
      checkHistory(history)
    } catch (error) {
      throw new Error(`seed ${seed} (replay: HOOKONCE_TEST_SEED=${seed} HOOKONCE_TEST_SEEDS=1)`, { cause: error })
    }
    for (const [fault, count] of Object.entries(history.fired)) fired[fault] = (fired[fault] ?? 0) + count
  }
  return fired as Record<Fault, number>
}

test('three processes without faults run every key once', { timeout: 120_000 }, async () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + Math.min(SEEDS, 200); seed++) {
    const history = await simulate({ seed, store, faults: false })
    checkHistory(history)
    for (const { runs } of history.keys.values()) expect(runs).toHaveLength(1)
  }
})

test('three processes with every kind of fault keep every promise', { timeout: 240_000 }, async () => {
  const fired = await simulateAll(true, SEEDS)
  for (const [fault, count] of Object.entries(fired)) expect(count, `${fault} never happened`).toBeGreaterThan(0)
})

/** Damage that the checks must notice within some seeds; else they prove nothing. */
const DAMAGE: Record<string, (inner: Store) => Partial<Store>> = {
  'a store that lets a stale attempt overwrite the result': inner => ({
    async complete(id, leaseId, result) {
      const outcome = await inner.complete(id, leaseId, result)
      if (outcome.status === 'completed') return outcome
      const current = await inner.get(id)
      if (current?.state !== 'running') return { status: 'completed', completedAt: 0 }
      return inner.complete(id, current.leaseId, result)
    },
  }),
  'a store that never renews a lease': () => ({ renew: async () => 'renewed' }),
  'a store that lets everybody in': inner => ({
    async claim(request) {
      const outcome = await inner.claim(request)
      if (outcome.status !== 'running') return outcome
      await inner.delete(request, { force: true })
      return inner.claim(request)
    },
  }),
  'a store that takes a resent claim for another one': inner => {
    const seen = new Set<string>()
    return {
      async claim(request) {
        if (!seen.has(request.leaseId)) {
          seen.add(request.leaseId)
          return inner.claim(request)
        }
        const current = await inner.get(request)
        if (current?.leaseId === request.leaseId && current.state === 'running')
          await inner.delete(request, { force: true })
        return inner.claim(request)
      },
    }
  },
}

for (const [damage, breakIt] of Object.entries(DAMAGE)) {
  test(`the checks notice ${damage}`, { timeout: 60_000 }, async () => {
    let noticed = false
    for (let seed = 1; seed <= 500 && !noticed; seed++) {
      try {
        checkHistory(
          await simulate({
            seed,
            store,
            faults: true,
            mutate: inner => Object.assign(Object.create(inner), breakIt(inner)),
          }),
        )
      } catch {
        noticed = true
      }
    }
    expect(noticed).toBe(true)
  })
}
