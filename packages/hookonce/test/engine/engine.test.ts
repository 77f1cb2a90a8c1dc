import { expect, test } from 'vitest'
import { flush } from '../../dist/testing/manual-clock.js'
import { ask, clock, controlled, engine, timing } from '../support/engine.js'

test('a request without a key runs every time, under the lock TTL', async () => {
  const own = engine()
  const { runs, work } = controlled()
  const asked = [1, 2].map(() => own.process({ scope: 's', key: null, fingerprint: null, timing }, work))
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
  const own = engine()
  const { runs, work } = controlled()
  ask(own, work)
  await clock.advance(timing.lockTtlMs)
  let settled = false
  void own.settled().then(() => {
    settled = true
  })
  await flush()
  expect(settled).toBe(false)
  ask(engine(), work)
  own.context.running.abort()
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
