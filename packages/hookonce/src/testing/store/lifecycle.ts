import assert from 'node:assert/strict'
import { StoreError } from '../../errors.js'
import { behaviour, type StoreCase } from './harness.js'
import { ANN, assertRising, BEN, CLEO, HOUR, textOf } from './probe.js'

/** The real clock. Two cases that shift `Date.now` may run concurrently. */
const { now } = Date

export const lifecycleCases: readonly StoreCase[] = [
  behaviour('an open store has a name and is ready', async ({ probe }) => {
    assert.match(probe.store.name, /^[a-z]+$/)
    await probe.store.ready()
  }),

  behaviour('a closed store refuses every operation', async ({ probe }) => {
    const { store, id } = probe
    await store.close()
    const operations: Record<string, () => Promise<unknown>> = {
      claim: () => probe.claim(ANN),
      renew: () => probe.renew(ANN),
      complete: () => probe.complete(ANN),
      fail: () => probe.fail(ANN),
      delete: () => probe.delete(),
      get: () => probe.get(),
      list: () => store.list({ scope: id.scope, limit: 1 }),
      stats: () => store.stats(),
      purge: () => store.purge(1),
      ready: () => store.ready(),
    }
    for (const [name, operation] of Object.entries(operations)) {
      await assert.rejects(operation, error => error instanceof StoreError && error.effect === 'refused', name)
    }
  }),

  behaviour('closing twice is closing once', async ({ probe }) => {
    await Promise.all([probe.store.close(), probe.store.close()])
    await probe.store.close()
  }),

  behaviour('closing first finishes what was asked', async ({ probe }) => {
    const claims = Array.from({ length: 20 }, (_, i) => probe.of({ key: `key ${i}` }).claim(ANN))
    const closing = probe.store.close()
    for (const outcome of await Promise.all(claims)) assert.equal(outcome.status, 'acquired')
    await closing
  }),

  behaviour(
    'what was acknowledged is there after a crash: results, failures, leases and tokens',
    async ({ probe, afterCrash }) => {
      const [completed, failed, running, deleted] = ['completed', 'failed', 'running', 'deleted'].map(key =>
        probe.of({ key }),
      ) as [typeof probe, typeof probe, typeof probe, typeof probe]
      await completed.acquire(ANN)
      const completedAt = await completed.completed(ANN, 'durable')
      await failed.acquire(ANN)
      await failed.fail(ANN, 'it broke')
      const { fencingToken } = await deleted.acquire(ANN)
      await deleted.delete({ force: true })
      const attempt = await running.acquire(ANN)

      const reopened = await afterCrash()
      const outcome = await completed.through(reopened).claim(BEN)
      assert.ok(outcome.status === 'completed')
      assert.deepEqual([textOf(outcome.result), outcome.completedAt], ['durable', completedAt])
      assert.equal((await failed.through(reopened).record()).lastError, 'it broke')
      assert.equal((await failed.through(reopened).acquire(BEN)).attempt, 2)
      assert.equal((await running.through(reopened).claim(BEN)).status, 'running')
      assert.deepEqual(await running.through(reopened).claim(ANN), attempt)
      await running.through(reopened).completed(ANN)
      assertRising([fencingToken, (await deleted.through(reopened).acquire(CLEO)).fencingToken])
    },
    'afterCrash',
  ),

  behaviour(
    'a client whose clock is wrong by an hour changes nothing',
    async ({ probe }) => {
      try {
        for (const [i, skew] of [-HOUR, HOUR].entries()) {
          const one = probe.of({ key: `skew ${i}` })
          const tokens = [await one.acquire(ANN, { leaseMs: HOUR / 2 })]
          Date.now = () => now() + skew
          assert.equal((await one.claim(BEN)).status, 'running')
          assert.equal(await one.renew(ANN), 'renewed')
          await one.fail(ANN)
          tokens.push(await one.acquire(BEN, { leaseMs: HOUR / 2, retentionMs: HOUR / 2 }))
          const { claimedAt } = await one.record()
          assert.ok(Math.abs(claimedAt - now()) < HOUR / 2, 'times are those of the server')
          await one.complete(BEN)
          Date.now = now
          assert.equal((await one.claim(CLEO)).status, 'completed')
          assertRising(tokens.map(acquired => acquired.fencingToken))
        }
      } finally {
        Date.now = now
      }
    },
    'ownClock',
  ),
]
