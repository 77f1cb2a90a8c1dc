import { describe, expect, test } from 'vitest'
import { flush } from '../../dist/testing/manual-clock.js'
import {
  ask,
  clock,
  controlled,
  engine,
  events,
  id,
  never,
  store,
  storeWith,
  textOf,
  timing,
} from '../support/engine.js'

const controlledFailure = async () => ({ value: 'failed' })

/** Claims are answered; what an attempt has to say gets no answer until the store comes back. */
function storeThatIsAway() {
  let isAway = true
  return {
    store: storeWith({
      renew: (...args) => (isAway ? never() : store.renew(...args)),
      complete: (...args) => (isAway ? never() : store.complete(...args)),
    }),
    comesBack: () => {
      isAway = false
    },
  }
}

describe('the result', () => {
  test('is refused when another attempt took over; its client gets what that attempt recorded', async () => {
    const { runs, work } = controlled()
    const stale = ask(engine({ store: storeWith({ renew: async () => 'renewed' }) }), work)
    await clock.advance(timing.leaseMs)
    const other = controlled()
    ask(engine(), other.work)
    await flush()
    runs[0]!.finish('stale')
    await flush()
    expect(stale.outcome).toBeUndefined()
    expect(events).toContainEqual(expect.objectContaining({ type: 'result_refused', ...id, attempt: 1 }))
    other.runs[0]!.finish('fresh')
    await clock.advance(1_000)
    expect(textOf(stale.outcome)).toBe('fresh')
  })

  test('is refused after a forced delete elsewhere; its client may retry, its work does not run again', async () => {
    const { runs, work } = controlled()
    const asked = ask(engine(), work)
    await flush()
    await engine().delete(id, { force: true })
    runs[0]!.finish('deleted meanwhile')
    await flush()
    expect(asked.outcome).toEqual({ kind: 'attempt_failed' })
    expect(runs).toHaveLength(1)
    expect(await store.get(id)).toBeUndefined()
  })

  test('is offered in the background when the store is away, the client answered at the end of the lease', async () => {
    const away = storeThatIsAway()
    const idempotency = engine({ store: away.store })
    const { runs, work } = controlled()
    const asked = ask(idempotency, work)
    await flush()
    runs[0]!.finish('kept')
    await clock.advance(timing.leaseMs - 501)
    expect(asked.outcome).toBeUndefined()
    await clock.advance(1)
    expect(asked.outcome).toEqual({ kind: 'store_unavailable' })
    away.comesBack()
    await clock.advance(10_000)
    expect((await store.get(id))?.state).toBe('completed')
    await idempotency.settled()
  })

  test('that is still offered after the end of the lease is what a retry gets: its work does not run', async () => {
    const away = storeThatIsAway()
    const idempotency = engine({ store: away.store })
    const { runs, work } = controlled()
    const first = ask(idempotency, work)
    await flush()
    runs[0]!.finish('kept')
    await clock.advance(timing.leaseMs)
    expect(first.outcome).toEqual({ kind: 'store_unavailable' })
    const retry = ask(idempotency, work)
    await clock.advance(1_000)
    expect(retry.outcome).toBeUndefined()
    away.comesBack()
    await clock.advance(5_000)
    expect(textOf(retry.outcome)).toBe('kept')
    expect(runs).toHaveLength(1)
  })

  test('that a handler comes to after its lease was lost is what a retry gets while it is offered', async () => {
    let down = true
    const flaky = storeWith({
      renew: (...args) => (down ? never() : store.renew(...args)),
      complete: (...args) => (down ? never() : store.complete(...args)),
      get: (...args) => (down ? never() : store.get(...args)),
    })
    const idempotency = engine({ store: flaky })
    const { runs, work } = controlled()
    const first = ask(idempotency, work)
    await clock.advance(timing.leaseMs + 5_000)
    expect(first.outcome).toEqual({ kind: 'attempt_lost' })
    runs[0]!.finish('late')
    await flush()
    const retry = ask(idempotency, work)
    await clock.advance(1_000)
    down = false
    await clock.advance(5_000)
    expect(textOf(retry.outcome)).toBe('late')
    expect(runs).toHaveLength(1)
  })

  test('is waited for as long as a retry may wait, which then is told that the store is away', async () => {
    const idempotency = engine({ store: storeWith({ renew: never, complete: never }) })
    const { runs, work } = controlled()
    ask(idempotency, work)
    await flush()
    runs[0]!.finish('kept')
    await clock.advance(timing.leaseMs)
    const retry = ask(idempotency, work)
    await clock.advance(timing.waitMs)
    expect(retry.outcome).toEqual({ kind: 'store_unavailable' })
  })

  test('a failing answer is given although the key cannot be given back in time, or is no longer held', async () => {
    const away = ask(engine({ store: storeWith({ renew: never, fail: never }) }), controlledFailure)
    await clock.advance(timing.leaseMs)
    expect(away.outcome).toEqual({ kind: 'given_back', joined: false, value: 'failed' })
    const fenced = ask(engine({ store: storeWith({ fail: async () => 'fenced' }) }), controlledFailure)
    await flush()
    expect(fenced.outcome).toEqual({ kind: 'given_back', joined: false, value: 'failed' })
  })

  test('a handler that gives up when its lock TTL is over leaves the answer a timeout', async () => {
    let answerGet = () => {}
    const slow = storeWith({
      get: async (...args) => {
        await new Promise<void>(resolve => {
          answerGet = resolve
        })
        return store.get(...args)
      },
    })
    const { runs, work } = controlled()
    const asked = ask(engine({ store: slow }), work)
    await clock.advance(timing.lockTtlMs)
    runs[0]!.giveBack()
    await flush()
    expect((await store.get(id))?.state).toBe('failed')
    answerGet()
    await flush()
    expect(asked.outcome).toEqual({ kind: 'attempt_timeout' })
  })

  test('that never reaches the store is dropped at the lock TTL and said so', async () => {
    const idempotency = engine({ store: storeWith({ renew: never, complete: never }) })
    const { runs, work } = controlled()
    ask(idempotency, work)
    await flush()
    runs[0]!.finish('lost')
    await clock.advance(timing.lockTtlMs + timing.leaseMs)
    await idempotency.settled()
    expect(events).toContainEqual(expect.objectContaining({ type: 'result_dropped', ...id, attempt: 1 }))
  })

  test('whose acknowledgement got lost is accepted when offered again', async () => {
    let answers = 0
    const lossy = storeWith({
      complete: async (...args) => {
        const outcome = await store.complete(...args)
        return ++answers === 1 ? never() : outcome
      },
    })
    const { runs, work } = controlled()
    const asked = ask(engine({ store: lossy }), work)
    await flush()
    runs[0]!.finish('done')
    await clock.advance(3_000)
    expect(asked.outcome).toEqual({ kind: 'executed', value: 'done' })
  })
})
