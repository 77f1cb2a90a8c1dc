import { StoreError } from 'hookonce'
import { describe, expect, test } from 'vitest'
import { flush } from '../../dist/testing/manual-clock.js'
import { ask, clock, controlled, engine, id, never, store, storeWith, timing } from '../support/engine.js'

describe('a claim', () => {
  test('without an answer is asked again under the same lease id and counts once', async () => {
    const leaseIds: string[] = []
    const lossy = storeWith({
      claim: async request => {
        leaseIds.push(request.leaseId)
        const outcome = await store.claim(request)
        return leaseIds.length === 1 ? never() : outcome
      },
    })
    const { runs, work } = controlled()
    ask(engine({ store: lossy }), work)
    await clock.advance(2_000)
    expect(runs.map(run => run.attempt.number)).toEqual([1])
    expect(new Set(leaseIds).size).toBe(1)
  })

  test('that stays without an answer is 503 within two time limits, runs nothing, and is released', async () => {
    let deaf = true
    const lossy = storeWith({
      claim: async request => {
        const outcome = await store.claim(request)
        return deaf ? never() : outcome
      },
    })
    const { runs, work } = controlled()
    const asked = ask(engine({ store: lossy }), work)
    await clock.advance(4_000)
    expect(asked.outcome).toEqual({ kind: 'store_unavailable' })
    deaf = false
    await flush()
    expect((await store.get(id))?.state).toBe('failed')
    ask(engine({ store: lossy }), work)
    await flush()
    expect(runs.map(run => run.attempt.number)).toEqual([2])
  })

  test('that the store refuses is not asked again', async () => {
    let asked = 0
    const full = storeWith({
      claim: async () => {
        asked++
        throw new StoreError('disk full', 'refused')
      },
    })
    const outcome = ask(engine({ store: full }), never)
    await flush()
    expect(outcome.outcome).toEqual({ kind: 'store_unavailable' })
    expect(asked).toBe(1)
  })

  test('after too many attempts without a word runs nothing until the key is deleted', async () => {
    const dying = engine({ store: storeWith({ renew: never }), maxLosses: 2 })
    for (let crash = 0; crash < 2; crash++) {
      ask(engine({ store: storeWith({ renew: never }), maxLosses: 2 }), never)
      await clock.advance(timing.leaseMs)
    }
    const { runs, work } = controlled()
    const asked = ask(dying, work)
    await flush()
    expect(asked.outcome).toEqual({ kind: 'attempts_exhausted', losses: 2 })
    await dying.delete(id)
    ask(dying, work)
    await flush()
    expect(runs).toHaveLength(1)
  })
})
