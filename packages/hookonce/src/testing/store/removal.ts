import assert from 'node:assert/strict'
import { behaviour, type StoreCase } from './harness.js'
import { ANN, assertRising, BEN, HOUR, type Probe, waitFor } from './probe.js'

const listed = async (probe: Probe) => (await probe.listed()).length

/** The result of every operation on an expired record. */
const toEachOperation: Record<string, (probe: Probe) => Promise<void>> = {
  claim: async probe => {
    const outcome = await probe.acquire(BEN, { fingerprint: 'another', maxLosses: 1 })
    assert.equal(outcome.attempt, 1)
    const { losses, lastError, result, createdAt, claimedAt, history } = await probe.record()
    assert.deepEqual({ losses, lastError, result }, { losses: 0, lastError: null, result: null })
    assert.equal(createdAt, claimedAt)
    assert.equal(history.length, 1)
  },
  'a claim sent again': async probe => {
    assert.equal((await probe.acquire(ANN)).attempt, 1)
  },
  renew: async probe => assert.equal(await probe.renew(ANN), 'lost'),
  complete: async probe => assert.deepEqual(await probe.complete(ANN), { status: 'fenced' }),
  fail: async probe => assert.equal(await probe.fail(ANN), 'fenced'),
  delete: async probe => assert.equal(await probe.delete(), 'absent'),
  'forced delete': async probe => assert.equal(await probe.delete({ force: true }), 'absent'),
  list: async probe => assert.equal(await listed(probe), 0),
}

/** Ways to make a record that expires after a few milliseconds. */
const expiring: Record<string, (probe: Probe) => Promise<unknown>> = {
  running: probe => probe.acquire(ANN, { fingerprint: 'one', leaseMs: 1, lockTtlMs: 1, retentionMs: 1 }),
  completed: async probe => {
    await probe.acquire(ANN, { fingerprint: 'one', retentionMs: 1 })
    await probe.complete(ANN)
  },
  failed: async probe => {
    await probe.acquire(ANN, { fingerprint: 'one', retentionMs: 1 })
    await probe.fail(ANN)
  },
}

export const removalCases: readonly StoreCase[] = [
  ...Object.entries(expiring).map(([state, bring]) =>
    behaviour(`an expired ${state} record is absent to get`, async ({ probe }) => {
      await bring(probe)
      await waitFor('the list to leave it out', async () => (await listed(probe)) === 0)
      assert.equal(await probe.get(), undefined)
    }),
  ),

  ...Object.entries(expiring).flatMap(([state, bring]) =>
    Object.entries(toEachOperation).map(([operation, check]) =>
      behaviour(`an expired ${state} record is absent to ${operation}`, async ({ probe }) => {
        await bring(probe)
        await probe.gone()
        await check(probe)
      }),
    ),
  ),

  behaviour('an abandoned record outlives its lease: within its time it is taken over', async ({ probe }) => {
    await probe.abandon(ANN, { retentionMs: 1 })
    assert.equal((await probe.acquire(BEN)).attempt, 2)
  }),

  behaviour('a record that runs under a live lease is not deleted unless forced', async ({ probe }) => {
    await probe.acquire(ANN)
    assert.equal(await probe.delete(), 'running')
    assert.equal(await probe.delete({ force: false }), 'running')
    assert.equal((await probe.record()).leaseId, ANN)
    assert.equal(await probe.delete({ force: true }), 'deleted')
    assert.equal(await probe.get(), undefined)
  }),

  behaviour('completed, failed and abandoned records are deleted without force', async ({ probe }) => {
    await probe.acquire(ANN)
    await probe.complete(ANN)
    assert.equal(await probe.delete(), 'deleted')
    await probe.acquire(ANN)
    await probe.fail(ANN)
    assert.equal(await probe.delete(), 'deleted')
    await probe.abandon(ANN)
    assert.equal(await probe.delete(), 'deleted')
    assert.equal(await probe.get(), undefined)
  }),

  behaviour('deleting what is not there says so', async ({ probe }) => {
    assert.equal(await probe.delete(), 'absent')
    assert.equal(await probe.delete({ force: true }), 'absent')
    await probe.acquire(ANN)
    await probe.delete({ force: true })
    assert.equal(await probe.delete(), 'absent')
  }),

  behaviour('after a deletion the key starts anew: attempt 1, no losses, a larger token', async ({ probe }) => {
    await probe.abandon(ANN)
    const { fencingToken } = await probe.acquire(BEN, { fingerprint: 'one' })
    await probe.delete({ force: true })
    const again = await probe.acquire(BEN, { fingerprint: 'two' })
    assert.equal(again.attempt, 1)
    assert.equal((await probe.record()).losses, 0)
    assertRising([fencingToken, again.fencingToken])
  }),

  behaviour('purging removes expired records only, and at most as many as asked', async ({ probe }) => {
    const live = ['running', 'abandoned', 'completed', 'failed'].map(key => probe.of({ key }))
    const [running, abandoned, completed, failed] = live as [Probe, Probe, Probe, Probe]
    await running.acquire(ANN)
    await abandoned.abandon(ANN)
    await completed.acquire(ANN)
    await completed.complete(ANN)
    await failed.acquire(ANN)
    await failed.fail(ANN)
    const expired = [1, 2, 3].map(key => probe.of({ key: `expired ${key}` }))
    for (const one of expired) await one.acquire(ANN, { leaseMs: 1, lockTtlMs: 1, retentionMs: 1 })
    for (const one of expired) await one.gone()

    await waitFor('nothing left to purge', async () => {
      const removed = await probe.store.purge(2)
      assert.ok(removed >= 0 && removed <= 2, `${removed} removed`)
      return removed === 0
    })
    for (const one of live) assert.equal((await one.record()).attempts, 1)
    assert.equal((await abandoned.acquire(BEN)).attempt, 2)
    assert.equal((await running.claim(BEN, { leaseMs: HOUR })).status, 'running')
  }),
]
