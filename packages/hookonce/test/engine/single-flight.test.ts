import { StoreError } from 'hookonce'
import { describe, expect, test } from 'vitest'
import { flush } from '../../dist/testing/manual-clock.js'
import { ask, clock, controlled, engine, never, store, storeWith, textOf, timing } from '../support/engine.js'

describe('duplicates of a running attempt', () => {
  test('in its process cost one claim and share its result', async () => {
    let claims = 0
    const counted = storeWith({
      claim: request => {
        claims++
        return store.claim(request)
      },
    })
    const idempotency = engine({ store: counted })
    const { runs, work } = controlled()
    const first = ask(idempotency, work)
    const others = Array.from({ length: 1_000 }, () => ask(idempotency, work))
    await flush()
    runs[0]!.finish('shared')
    await flush()
    expect(first.outcome).toEqual({ kind: 'executed', value: 'shared' })
    for (const { outcome } of others) {
      expect(outcome).toMatchObject({ kind: 'replayed', joined: true })
      expect(textOf(outcome)).toBe('shared')
    }
    expect([claims, runs.length]).toEqual([1, 1])
  })

  test('in its process share its failure and start nothing', async () => {
    const idempotency = engine()
    const { runs, work } = controlled()
    const asked = [ask(idempotency, work), ask(idempotency, work), ask(idempotency, work)]
    await flush()
    const error = new Error('boom')
    runs[0]!.throw(error)
    await flush()
    expect(asked.map(each => each.outcome)).toEqual([
      { kind: 'threw', joined: false, error },
      { kind: 'threw', joined: true, error },
      { kind: 'threw', joined: true, error },
    ])
    expect(runs).toHaveLength(1)
  })

  test('in another process read until it is completed, one reader for all of them', async () => {
    const { runs, work } = controlled()
    ask(engine(), work)
    let reads = 0
    const counted = storeWith({
      get: record => {
        reads++
        return store.get(record)
      },
    })
    const elsewhere = engine({ store: counted })
    const waiting = [ask(elsewhere, never), ask(elsewhere, never), ask(elsewhere, never)]
    await clock.advance(2_000)
    runs[0]!.finish('done')
    await clock.advance(1_000)
    for (const { outcome } of waiting) expect(textOf(outcome)).toBe('done')
    expect(reads).toBeLessThan(15)
  })

  test('in another process are told of its failure and start nothing', async () => {
    const { runs, work } = controlled()
    ask(engine(), work)
    const waiting = ask(engine(), never)
    await clock.advance(100)
    runs[0]!.giveBack()
    await clock.advance(1_000)
    expect(waiting.outcome).toEqual({ kind: 'attempt_failed' })
  })

  test('in another process take over when its lease is over: one of them, on behalf of all', async () => {
    ask(engine({ store: storeWith({ renew: never }) }), never)
    await clock.advance(10_000)
    const elsewhere = engine()
    const { runs, work } = controlled()
    const waiting = [ask(elsewhere, work), ask(elsewhere, work)]
    await clock.advance(5_500)
    expect(runs).toHaveLength(1)
    runs[0]!.finish('taken over')
    await flush()
    expect(waiting.map(each => each.outcome?.kind)).toEqual(['executed', 'replayed'])
  })

  test('wait no longer than they are willing to', async () => {
    const idempotency = engine()
    ask(idempotency, never)
    const here = ask(idempotency, never)
    const elsewhere = ask(engine(), never)
    await clock.advance(timing.waitMs - 1)
    expect([here.outcome, elsewhere.outcome]).toEqual([undefined, undefined])
    await clock.advance(1)
    expect([here.outcome, elsewhere.outcome]).toEqual([{ kind: 'in_progress' }, { kind: 'in_progress' }])
  })

  test('beyond the limit of waiters are turned away, and room is given back', async () => {
    const idempotency = engine({ maxWaiters: 2 })
    const { runs, work } = controlled()
    const asked = Array.from({ length: 4 }, () => ask(idempotency, work))
    await flush()
    expect(asked.map(each => each.outcome?.kind)).toEqual([undefined, undefined, undefined, 'in_progress'])
    runs[0]!.finish('done')
    await flush()
    expect(asked.slice(0, 3).map(each => each.outcome?.kind)).toEqual(['executed', 'replayed', 'replayed'])
    const key = { scope: 's', key: 'another' }
    const again = Array.from({ length: 3 }, () => idempotency.process({ ...key, fingerprint: null, timing }, work))
    await flush()
    runs[1]!.finish('done too')
    expect((await Promise.all(again)).map(outcome => outcome.kind)).toEqual(['executed', 'replayed', 'replayed'])
  })

  test('with another fingerprint are refused at once, whoever came first', async () => {
    const idempotency = engine()
    const { runs, work } = controlled()
    const right = ask(idempotency, work, 'a')
    const wrong = ask(idempotency, never, 'b')
    await flush()
    expect(wrong.outcome).toEqual({ kind: 'mismatch' })
    const joining = ask(idempotency, never, 'a')
    runs[0]!.finish('done')
    await flush()
    expect([right.outcome?.kind, joining.outcome?.kind]).toEqual(['executed', 'replayed'])
  })

  test('that wait while the store is silent are told so, not that the key is in use', async () => {
    ask(engine(), never)
    await flush()
    const waiting = ask(
      engine({ store: storeWith({ get: () => Promise.reject(new StoreError('down', 'unknown')) }) }),
      never,
    )
    await clock.advance(timing.waitMs)
    expect(waiting.outcome).toEqual({ kind: 'store_unavailable' })
  })
})
