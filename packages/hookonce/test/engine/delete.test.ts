import { describe, expect, test } from 'vitest'
import { flush } from '../../dist/testing/manual-clock.js'
import { ask, clock, controlled, engine, id, store, timing } from '../support/engine.js'

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
