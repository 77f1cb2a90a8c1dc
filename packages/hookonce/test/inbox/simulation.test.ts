import type { InboxStore } from 'hookonce'
import { describe, expect, test } from 'vitest'
import { checkRules } from '../support/simulation/rules.js'
import { type Step, shrunk, stepsFrom } from '../support/simulation/steps.js'
import { live, type WorldOptions } from '../support/simulation/world.js'

const SEEDS = Number(process.env.HOOKONCE_TEST_SEEDS ?? 100)
const FIRST_SEED = Number(process.env.HOOKONCE_TEST_SEED ?? 1)

type Fired = Record<string, number>

/** What happened, or why a rule is broken. */
async function outcomeOf(
  steps: readonly Step[],
  seed: number,
  options: WorldOptions = {},
): Promise<{ fired: Fired } | { broken: Error }> {
  try {
    const history = await live(steps, seed, options)
    checkRules(history)
    return { fired: history.fired }
  } catch (error) {
    return { broken: error as Error }
  }
}

/** What is broken, with the seed and the steps that are enough for it. */
async function explained(seed: number, broken: Error): Promise<Error> {
  const least = await shrunk(stepsFrom(seed), async steps => 'broken' in (await outcomeOf(steps, seed)))
  const replay = `replay: HOOKONCE_TEST_SEED=${seed} HOOKONCE_TEST_SEEDS=1`
  const steps = least.map(step => JSON.stringify(step)).join('\n')
  return new Error(`${broken.message}\n${replay}\nthese steps are enough:\n${steps}`, { cause: broken })
}

test('three processes live through whatever can be done to them and their store, and keep every rule', {
  timeout: 240_000,
}, async () => {
  const fired: Fired = {}
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    const outcome = await outcomeOf(stepsFrom(seed), seed)
    if ('broken' in outcome) throw await explained(seed, outcome.broken)
    for (const [what, count] of Object.entries(outcome.fired)) fired[what] = (fired[what] ?? 0) + count
  }
  const troubles = ['crash', 'pause', 'drain', 'down', 'slow', 'clock', 'delete', 'redrive', 'purge']
  const network = ['request_lost', 'answer_lost', 'answer_late', 'command_resent', 'store_down', 'store_slow']
  const handlers = ['throws', 'fails', 'hangs', 'gives up'].map(fault => `handler ${fault}`)
  if (SEEDS >= 100) expect(Object.keys(fired).sort()).toEqual([...troubles, ...network, ...handlers].sort())
})

test('the same seed is the same history', async () => {
  const histories = [await live(stepsFrom(7), 7), await live(stepsFrom(7), 7)]
  const [one, other] = histories.map(({ keys, fired }) =>
    JSON.stringify([fired, [...keys].map(([name, { answers, changes }]) => [name, changes, answers])]),
  )
  expect(one).toBe(other)
})

/** Damage that the rules must notice within some seeds; else they prove nothing. */
const DAMAGE: Record<string, (inner: InboxStore) => Partial<InboxStore>> = {
  'lets a stale attempt overwrite the result': inner => ({
    async complete(id, leaseId, result) {
      const outcome = await inner.complete(id, leaseId, result)
      const current = await inner.get(id)
      if (outcome.status === 'completed' || current?.state !== 'running') return outcome
      return inner.complete(id, current.leaseId, result)
    },
  }),
  'never renews a lease': () => ({ renew: async () => 'renewed' }),
  'loses every fifth delivery that it accepts': inner => {
    let accepted = 0
    return {
      async accept(request) {
        if (++accepted % 5 > 0) return inner.accept(request)
        return { status: 'accepted', acceptedAt: 0 }
      },
    }
  },
  'takes what is due under leases that are over at once': inner => ({
    claimDue: request => inner.claimDue({ ...request, leaseMs: 1 }),
  }),
  'forgets what failed': inner => ({
    async fail(id, leaseId, error, next) {
      const outcome = await inner.fail(id, leaseId, error, next)
      if (outcome === 'failed') await inner.delete(id, { force: true })
      return outcome
    },
  }),
  'never has a failed delivery due again': inner => ({
    fail: (id, leaseId, error, next) => inner.fail(id, leaseId, error, next === 'dead' ? next : { dueInMs: 1e9 }),
  }),
  'forgets the result when it redrives': inner => ({
    redrive: (id, options) => inner.redrive(id, { ...options, completed: true }),
  }),
}

describe('the rules notice a store that', () => {
  for (const [damage, damaged] of Object.entries(DAMAGE)) {
    test(damage, { timeout: 60_000 }, async () => {
      let noticed = false
      for (let seed = 1; seed <= 100 && !noticed; seed++) {
        noticed = 'broken' in (await outcomeOf(stepsFrom(seed), seed, { damage: damaged }))
      }
      expect(noticed).toBe(true)
    })
  }
})
