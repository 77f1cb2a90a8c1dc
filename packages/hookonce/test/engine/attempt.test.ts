import { type Attempt, StoreError } from 'hookonce'
import { describe, expect, test } from 'vitest'
import { flush, type ManualClock } from '../../dist/testing/manual-clock.js'
import {
  ask,
  clock,
  controlled,
  deferred,
  engine,
  id,
  idempotencyOf,
  never,
  store,
  storeWith,
  textOf,
  timing,
} from '../support/engine.js'

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
    await idempotencyOf().run({ scope: 'a', key: 'bb' }, collectKey)
    await idempotencyOf().run({ scope: 'ab', key: 'b' }, collectKey)
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
    // Half a second before others may take the key over.
    await clock.advance(timing.leaseMs - 501)
    expect(runs[0]!.attempt.signal.aborted).toBe(false)
    await clock.advance(1)
    expect(runs[0]!.attempt.signal.aborted).toBe(true)
  })

  test('is claimed, renewed and recorded by a store that is slower than its time limit', async () => {
    const later = async <T>(answer: Promise<T>): Promise<T> => {
      await new Promise<void>(resolve => void clock.after(2_500, resolve))
      return answer
    }
    const slow = storeWith({
      claim: request => later(store.claim(request)),
      renew: (...args) => later(store.renew(...args)),
      complete: (...args) => later(store.complete(...args)),
    })
    const { runs, work } = controlled()
    const asked = ask(engine({ store: slow }), work)
    await clock.advance(2_500)
    expect(runs).toHaveLength(1)
    await clock.advance(4 * timing.leaseMs)
    expect(runs[0]!.attempt.signal.aborted).toBe(false)
    runs[0]!.finish('slowly')
    await clock.advance(2_500)
    expect(asked.outcome).toEqual({ kind: 'executed', value: 'slowly' })
  })

  test('counts its lease from before its claim was sent, however late the answer', async () => {
    const slow = storeWith({
      renew: never,
      async claim(request) {
        const outcome = await store.claim(request)
        await new Promise<void>(resolve => void clock.after(1_500, resolve))
        return outcome
      },
    })
    const { runs, work } = controlled()
    ask(engine({ store: slow }), work)
    await clock.advance(timing.leaseMs - 1_000)
    expect(runs[0]!.attempt.signal.aborted).toBe(false)
    await clock.advance(1_000)
    expect(runs[0]!.attempt.signal.aborted).toBe(true)
  })

  test('counts a renewed lease from before the renewal was sent', async () => {
    let sentAt: number | undefined
    const slow = storeWith({
      async renew(...given) {
        if (sentAt !== undefined) return never()
        sentAt = clock.monotonic()
        const outcome = await store.renew(...given)
        await new Promise<void>(resolve => void clock.after(1_500, resolve))
        return outcome
      },
    })
    const { runs, work } = controlled()
    ask(engine({ store: slow }), work)
    await clock.advance(timing.leaseMs / 3)
    await clock.advance(sentAt! + timing.leaseMs - 1_000 - clock.monotonic())
    expect(runs[0]!.attempt.signal.aborted).toBe(false)
    await clock.advance(1_000)
    expect(runs[0]!.attempt.signal.aborted).toBe(true)
  })

  test('is aborted at a lock TTL that ends between two renewals', async () => {
    const { runs, work } = controlled()
    const lockTtlMs = timing.leaseMs * 1.4
    const request = { ...id, fingerprint: null, timing: { ...timing, lockTtlMs } }
    const outcome = engine().process(request, work)
    await clock.advance(lockTtlMs - 1_000)
    expect(runs[0]!.attempt.signal.aborted).toBe(false)
    await clock.advance(1_000)
    expect(runs[0]!.attempt.signal.aborted).toBe(true)
    expect(await outcome).toEqual({ kind: 'attempt_timeout' })
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

const bind = (from: ManualClock) => ({ now: () => from.now(), monotonic: () => from.monotonic() })
