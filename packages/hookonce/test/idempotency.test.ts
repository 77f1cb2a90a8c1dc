import { channel } from 'node:diagnostics_channel'
import {
  type Attempt,
  createIdempotency,
  DEFAULT_TIMING,
  EVENTS_CHANNEL,
  type HookonceEvent,
  type IdempotencyOptions,
  type Outcome,
  type Settlement,
  type Store,
  StoreError,
} from 'hookonce'
import { memoryStore } from 'hookonce/stores/memory'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FakeClock, flush } from './support/fake-clock.js'

const timing = DEFAULT_TIMING
const id = { scope: 's', key: 'k' }

let clock: FakeClock
let store: Store
let events: HookonceEvent[]
const collect = (event: unknown) => void events.push(event as HookonceEvent)

beforeEach(() => {
  clock = new FakeClock()
  store = memoryStore({ clock })
  events = []
  channel(EVENTS_CHANNEL).subscribe(collect)
})
afterEach(() => {
  channel(EVENTS_CHANNEL).unsubscribe(collect)
})

const engine = (options: Partial<IdempotencyOptions> = {}) => createIdempotency({ store, clock, ...options })

/** Replaces operations of the store, as a network or a failing disk would. */
const storeWith = (changes: Partial<Store>): Store => Object.assign(Object.create(store), changes)

function deferred() {
  let resolve!: () => void
  const promise = new Promise<void>(settle => {
    resolve = settle
  })
  return { promise, resolve }
}

const never = () => new Promise<never>(() => {})

/** A handler under control: how often it ran, and what it comes to. */
function controlled() {
  const runs: {
    attempt: Attempt
    finish: (text: string) => void
    giveBack: () => void
    throw: (error: Error) => void
  }[] = []
  const work = (attempt: Attempt) =>
    new Promise<Settlement<string>>((resolve, reject) => {
      runs.push({
        attempt,
        finish: text => resolve({ value: text, result: Buffer.from(text) }),
        giveBack: () => resolve({ value: 'given back' }),
        throw: reject,
      })
    })
  return { runs, work }
}

function ask(
  idempotency: ReturnType<typeof engine>,
  work: (attempt: Attempt) => Promise<Settlement<string>>,
  fingerprint: string | null = null,
) {
  const asked: { outcome?: Outcome<string> } = {}
  void idempotency.process<string>({ ...id, fingerprint, timing }, work).then(outcome => {
    asked.outcome = outcome
  })
  return asked
}

const textOf = (outcome: Outcome<string> | undefined) =>
  outcome?.kind === 'replayed' ? Buffer.from(outcome.result).toString() : undefined

describe('run', () => {
  test('runs the work once and gives its value to every later call', async () => {
    const idempotency = engine()
    let runs = 0
    const mail = async () => ({ sent: ++runs })
    expect(await idempotency.run(id, mail)).toEqual({ value: { sent: 1 }, replayed: false })
    expect(await idempotency.run(id, mail)).toEqual({ value: { sent: 1 }, replayed: true })
    expect(await idempotency.run({ ...id, scope: 'other' }, mail)).toEqual({ value: { sent: 2 }, replayed: false })
  })

  test('work without a value is replayed as such', async () => {
    const idempotency = engine()
    await idempotency.run(id, () => {})
    expect(await idempotency.run(id, () => 'again')).toEqual({ value: undefined, replayed: true })
  })

  test('a throw reaches the caller and gives the key back', async () => {
    const idempotency = engine()
    await expect(idempotency.run(id, () => Promise.reject(new Error('boom')))).rejects.toThrow('boom')
    expect(await idempotency.run(id, attempt => attempt.number)).toEqual({ value: 2, replayed: false })
    expect(events).toContainEqual(expect.objectContaining({ type: 'handler_threw', attempt: 1 }))
  })

  test('says why there is no value', async () => {
    const idempotency = engine()
    await idempotency.run({ ...id, fingerprint: 'a' }, () => 1)
    await expect(idempotency.run({ ...id, fingerprint: 'b' }, () => 2)).rejects.toMatchObject({
      code: 'ERR_NO_RESULT',
      reason: 'mismatch',
    })
  })

  test.each(['', 'x'.repeat(256), 'a\nb', 'a\0b', '\ud800'])('refuses the key %j', async key => {
    await expect(engine().run({ scope: 's', key }, () => 1)).rejects.toMatchObject({ code: 'ERR_INVALID_KEY' })
  })
})

describe('an attempt', () => {
  test('has a number, a rising fencing token, and downstream keys that stay the same', async () => {
    const idempotency = engine()
    const { runs, work } = controlled()
    ask(idempotency, work)
    await flush()
    runs[0]!.throw(new Error('once'))
    await flush()
    ask(idempotency, work)
    await flush()
    const [first, second] = runs.map(run => run.attempt)
    expect([first!.number, second!.number]).toEqual([1, 2])
    expect(BigInt(second!.fencingToken)).toBeGreaterThan(BigInt(first!.fencingToken))
    expect(first!.keyFor('charge')).toBe(second!.keyFor('charge'))
    expect(first!.keyFor('charge')).toMatch(/^[\w-]{43}$/)
    expect(first!.keyFor('charge')).not.toBe(first!.keyFor('ship'))
  })

  test('derives different downstream keys for parts that only look alike together', async () => {
    const keys: string[] = []
    const collectKey = async (attempt: Attempt) => keys.push(attempt.keyFor('c'))
    await engine().run({ scope: 'a', key: 'bb' }, collectKey)
    await engine().run({ scope: 'ab', key: 'b' }, collectKey)
    expect(new Set(keys).size).toBe(2)
  })

  test('keeps its key past the lease as long as its process renews it', async () => {
    const { runs, work } = controlled()
    const asked = ask(engine(), work)
    await clock.advance(timing.leaseMs * 5)
    expect((await store.get(id))?.leaseRemainingMs).toBeGreaterThan(0)
    runs[0]!.finish('done')
    await flush()
    expect(asked.outcome?.kind).toBe('executed')
    expect(runs[0]!.attempt.signal.aborted).toBe(false)
  })

  test('leaves its key after one lease when its process dies', async () => {
    const dead = engine({ store: storeWith({ renew: never }) })
    ask(dead, never)
    await clock.advance(timing.leaseMs)
    const { runs, work } = controlled()
    ask(engine(), work)
    await flush()
    expect(runs[0]!.attempt.number).toBe(2)
    expect((await store.get(id))?.losses).toBe(1)
  })

  test('is aborted and answered at the lock TTL, however often renewed; the next claim can run', async () => {
    const { runs, work } = controlled()
    const asked = ask(engine(), work)
    await clock.advance(timing.lockTtlMs)
    expect(asked.outcome).toEqual({ kind: 'attempt_timeout' })
    expect(runs[0]!.attempt.signal.aborted).toBe(true)
    const second = controlled()
    const next = ask(engine(), second.work)
    await clock.advance(10)
    second.runs[0]!.finish('second')
    await flush()
    expect(next.outcome).toEqual({ kind: 'executed', value: 'second' })
    runs[0]!.finish('first')
    await flush()
    expect(textOf(ask(engine(), work).outcome ?? (await outcomeOfNext()))).toBe('second')
  })

  test('brings a late result to the store when nobody took the key over', async () => {
    const { runs, work } = controlled()
    ask(engine(), work)
    await clock.advance(timing.lockTtlMs)
    runs[0]!.finish('late')
    await flush()
    expect(textOf(await outcomeOfNext())).toBe('late')
  })

  test('sends neither renewals nor a failure after it lost its lease until the handler settles', async () => {
    const calls: string[] = []
    const silent = storeWith({
      renew: async () => {
        calls.push('renew')
        throw new StoreError('down', 'unknown')
      },
      fail: (...args) => {
        calls.push('fail')
        return store.fail(...args)
      },
    })
    const { runs, work } = controlled()
    const asked = ask(engine({ store: silent }), work)
    await clock.advance(timing.leaseMs)
    expect(asked.outcome).toEqual({ kind: 'attempt_lost' })
    const before = calls.length
    await clock.advance(timing.leaseMs * 2)
    expect(calls).toHaveLength(before)
    runs[0]!.throw(new Error('aborted'))
    await flush()
    expect(calls.at(-1)).toBe('fail')
  })

  test('gives up on its own monotonic deadline while a renewal has no answer', async () => {
    const { runs, work } = controlled()
    ask(engine({ store: storeWith({ renew: never }) }), work)
    await clock.advance(timing.leaseMs - 1)
    expect(runs[0]!.attempt.signal.aborted).toBe(false)
    await clock.advance(1)
    expect(runs[0]!.attempt.signal.aborted).toBe(true)
  })

  test('does not start when its claim was answered after the lease', async () => {
    const { promise: answered, resolve: answer } = deferred()
    const stopped = storeWith({
      claim: async request => {
        const outcome = await store.claim(request)
        if (outcome.status === 'acquired' && outcome.attempt === 1) await answered
        return outcome
      },
    })
    const { runs, work } = controlled()
    // A clock that shows no time limit passing, as if the whole process had been stopped.
    const frozen = { ...bind(clock), after: (ms: number, callback: () => void) => clock.after(ms * 1_000, callback) }
    ask(engine({ store: stopped, clock: frozen }), work)
    await clock.advance(timing.leaseMs + 1)
    answer()
    await clock.advance(100_000)
    expect(runs.map(run => run.attempt.number)).toEqual([2])
  })

  async function outcomeOfNext() {
    const asked = ask(engine(), async () => ({ value: 'ran again', result: Buffer.from('ran again') }))
    await flush()
    return asked.outcome
  }
})

const bind = (from: FakeClock) => ({ now: () => from.now(), monotonic: () => from.monotonic() })

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
    expect(events).toContainEqual({ type: 'result_refused', ...id, attempt: 1 })
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
    let down = true
    const flaky = storeWith({
      renew: (...args) => (down ? never() : store.renew(...args)),
      complete: (...args) => (down ? never() : store.complete(...args)),
    })
    const idempotency = engine({ store: flaky })
    const { runs, work } = controlled()
    const asked = ask(idempotency, work)
    await flush()
    runs[0]!.finish('kept')
    await clock.advance(timing.leaseMs - 1)
    expect(asked.outcome).toBeUndefined()
    await clock.advance(1)
    expect(asked.outcome).toEqual({ kind: 'store_unavailable' })
    down = false
    await clock.advance(10_000)
    expect((await store.get(id))?.state).toBe('completed')
    await idempotency.settled()
  })

  test('that never reaches the store is dropped at the lock TTL and said so', async () => {
    const idempotency = engine({ store: storeWith({ renew: never, complete: never }) })
    const { runs, work } = controlled()
    ask(idempotency, work)
    await flush()
    runs[0]!.finish('lost')
    await clock.advance(timing.lockTtlMs + timing.leaseMs)
    await idempotency.settled()
    expect(events).toContainEqual({ type: 'result_dropped', ...id, attempt: 1 })
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

describe('delete', () => {
  test('is refused while an attempt runs', async () => {
    const idempotency = engine()
    const { runs, work } = controlled()
    const asked = ask(idempotency, work)
    await flush()
    expect(await idempotency.delete(id)).toBe('running')
    expect(runs[0]!.attempt.signal.aborted).toBe(false)
    runs[0]!.finish('done')
    await flush()
    expect(asked.outcome?.kind).toBe('executed')
  })

  test('by force in the owner’s process aborts the attempt; the next delivery runs and its result stands', async () => {
    const idempotency = engine()
    const { runs, work } = controlled()
    const asked = ask(idempotency, work)
    await flush()
    expect(await idempotency.delete(id, { force: true })).toBe('deleted')
    await flush()
    expect(runs[0]!.attempt.signal.aborted).toBe(true)
    expect(asked.outcome).toEqual({ kind: 'attempt_lost' })
    const next = ask(idempotency, work)
    await flush()
    runs[1]!.finish('second')
    await flush()
    runs[0]!.finish('first')
    await flush()
    expect(next.outcome).toEqual({ kind: 'executed', value: 'second' })
    expect(Buffer.from((await store.get(id))!.result!).toString()).toBe('second')
  })

  test('by force from another process is noticed at the next renewal', async () => {
    const { runs, work } = controlled()
    const asked = ask(engine(), work)
    await flush()
    await engine().delete(id, { force: true })
    await clock.advance(timing.leaseMs / 3)
    expect(runs[0]!.attempt.signal.aborted).toBe(true)
    expect(asked.outcome).toEqual({ kind: 'attempt_lost' })
  })
})

test('a request without a key runs every time, under the lock TTL', async () => {
  const idempotency = engine()
  const { runs, work } = controlled()
  const asked = [1, 2].map(() => idempotency.process({ scope: 's', key: null, fingerprint: null, timing }, work))
  await flush()
  expect(runs.map(run => run.attempt.key)).toEqual([null, null])
  expect(runs[0]!.attempt.keyFor('x')).not.toBe(runs[1]!.attempt.keyFor('x'))
  runs[0]!.finish('one')
  expect(await asked[0]).toEqual({ kind: 'executed', value: 'one' })
  await clock.advance(timing.lockTtlMs)
  expect(await asked[1]).toEqual({ kind: 'attempt_timeout' })
  expect(runs[1]!.attempt.signal.aborted).toBe(true)
})

test('settled waits for handlers that outlive their answer; abort tells them to stop', async () => {
  const idempotency = engine()
  const { runs, work } = controlled()
  ask(idempotency, work)
  await clock.advance(timing.lockTtlMs)
  let settled = false
  void idempotency.settled().then(() => {
    settled = true
  })
  await flush()
  expect(settled).toBe(false)
  ask(engine(), work)
  idempotency.abort()
  expect(runs[0]!.attempt.signal.aborted).toBe(true)
  runs[0]!.throw(new Error('stopped'))
  await flush()
  expect(settled).toBe(true)
})

test.each([
  [{ leaseMs: 0 }, 'leaseMs'],
  [{ leaseMs: 20, lockTtlMs: 10 }, 'leaseMs'],
  [{ lockTtlMs: 2 ** 31 }, 'lockTtlMs'],
  [{ retentionMs: Number.NaN }, 'retentionMs'],
  [{ waitMs: -1 }, 'waitMs'],
  [{ storeTimeoutMs: 5_001 }, 'storeTimeoutMs'],
  [{ maxLosses: 0 }, 'maxLosses'],
  [{ maxWaiters: -1 }, 'maxWaiters'],
])('refuses the options %j, naming %s', (options, name) => {
  expect(() => engine(options)).toThrow(new RegExp(`^${name} must be`))
})
