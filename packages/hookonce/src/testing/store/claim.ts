import assert from 'node:assert/strict'
import { lostError } from '../../stores/store.js'
import { behaviour, type StoreCase } from './harness.js'
import { ANN, assertRising, assertSpan, BEN, CLEO, DAN, HOUR, ONE, TWO, textOf } from './probe.js'

export const claimCases: readonly StoreCase[] = [
  behaviour('the first claim is acquired as attempt 1', async ({ probe }) => {
    assert.equal((await probe.acquire(ANN, { fingerprint: ONE })).attempt, 1)
  }),

  behaviour('a claim while the lease is live finds the attempt running and learns for how long', async ({ probe }) => {
    await probe.acquire(ANN)
    const outcome = await probe.claim(BEN)
    assert.equal(outcome.status, 'running')
    assert.ok(outcome.status === 'running' && outcome.leaseRemainingMs > 0 && outcome.leaseRemainingMs <= HOUR)
    assert.equal((await probe.record()).leaseId, ANN)
  }),

  behaviour('a refused claim changes nothing, its own durations included', async ({ probe }) => {
    await probe.acquire(ANN, { fingerprint: ONE })
    const { leaseRemainingMs: _, ...before } = await probe.record()
    await probe.claim(BEN, { fingerprint: ONE, leaseMs: 1, lockTtlMs: 1, retentionMs: 1, maxLosses: 0 })
    await probe.claim(BEN, { fingerprint: TWO, leaseMs: 1, lockTtlMs: 1, retentionMs: 1, maxLosses: 0 })
    const { leaseRemainingMs: __, ...after } = await probe.record()
    assert.deepEqual(after, before)
  }),

  behaviour('a completed record answers a claim with its result and time of completion', async ({ probe }) => {
    await probe.acquire(ANN)
    const completedAt = await probe.completed(ANN, 'the answer')
    const outcome = await probe.claim(BEN)
    assert.ok(outcome.status === 'completed')
    assert.equal(textOf(outcome.result), 'the answer')
    assert.equal(outcome.completedAt, completedAt)
  }),

  behaviour('a failed record is claimed as the next attempt at once', async ({ probe }) => {
    await probe.acquire(ANN)
    await probe.fail(ANN)
    assert.equal((await probe.acquire(BEN)).attempt, 2)
    const { state, losses, settledAt, result } = await probe.record()
    assert.deepEqual(
      { state, losses, settledAt, result },
      { state: 'running', losses: 0, settledAt: null, result: null },
    )
  }),

  behaviour('a running record whose lease is over is taken over as the next attempt', async ({ probe }) => {
    await probe.abandon(ANN)
    const before = await probe.record()
    assert.equal((await probe.acquire(BEN)).attempt, 2)
    const { leaseId, attempts, losses, claimedAt } = await probe.record()
    assert.deepEqual({ leaseId, attempts, losses }, { leaseId: BEN, attempts: 2, losses: 1 })
    assert.ok(claimedAt >= before.leaseEndsAt)
  }),

  ...(['running', 'abandoned', 'completed', 'failed'] as const).map(state =>
    behaviour(`another fingerprint is a mismatch before all else: ${state}`, async ({ probe }) => {
      if (state === 'abandoned') await probe.abandon(ANN, { fingerprint: ONE })
      else await probe.acquire(ANN, { fingerprint: ONE })
      if (state === 'completed') await probe.complete(ANN)
      if (state === 'failed') await probe.fail(ANN)
      assert.deepEqual(await probe.claim(BEN, { fingerprint: TWO, maxLosses: 0 }), { status: 'mismatch' })
      assert.deepEqual(await probe.claim(ANN, { fingerprint: TWO, maxLosses: 0 }), { status: 'mismatch' })
      assert.equal((await probe.record()).attempts, 1)
    }),
  ),

  behaviour('an unknown fingerprint on either side compares with nothing', async ({ probe }) => {
    await probe.acquire(ANN, { fingerprint: ONE })
    assert.equal((await probe.claim(BEN, { fingerprint: null })).status, 'running')
    await probe.complete(ANN)
    assert.equal((await probe.claim(BEN, { fingerprint: null })).status, 'completed')

    const unknown = probe.of({ key: 'unknown' })
    await unknown.acquire(ANN, { fingerprint: null })
    assert.equal((await unknown.claim(BEN, { fingerprint: ONE })).status, 'running')
    await unknown.fail(ANN)
    assert.equal((await unknown.acquire(BEN, { fingerprint: TWO })).attempt, 2)
  }),

  behaviour('a claim that was sent twice is acquired again: same attempt, token and lease', async ({ probe }) => {
    const first = await probe.acquire(ANN)
    const before = await probe.record()
    assert.deepEqual(await probe.claim(ANN, { leaseMs: 2 * HOUR, lockTtlMs: 2 * HOUR }), first)
    const after = await probe.record()
    assert.equal(after.leaseEndsAt, before.leaseEndsAt)
    assert.equal(after.expiresAt, before.expiresAt)
  }),

  behaviour('a claim that is sent again after its lease ended is acquired, the lease still over', async ({ probe }) => {
    const first = await probe.abandon(ANN)
    const before = await probe.record()
    assert.deepEqual(await probe.claim(ANN, { maxLosses: 0 }), first)
    assert.deepEqual(await probe.record(), before)
    assert.equal((await probe.acquire(BEN)).attempt, 2)
  }),

  behaviour('a claim that is sent again after completion finds the result', async ({ probe }) => {
    await probe.acquire(ANN)
    await probe.complete(ANN)
    assert.equal((await probe.claim(ANN)).status, 'completed')
  }),

  behaviour('the lease never outlasts the lock TTL', async ({ probe }) => {
    await probe.acquire(ANN, { leaseMs: 2 * HOUR, lockTtlMs: HOUR })
    const { claimedAt, leaseEndsAt } = await probe.record()
    assertSpan(claimedAt, leaseEndsAt, HOUR)
  }),

  behaviour('lost attempts are counted and end in exhausted at maxLosses', async ({ probe }) => {
    await probe.abandon(ANN, { maxLosses: 2 })
    await probe.abandon(BEN, { maxLosses: 2 })
    assert.deepEqual(await probe.claim(CLEO, { maxLosses: 2 }), { status: 'exhausted', losses: 2 })
    const { attempts, leaseId } = await probe.record()
    assert.deepEqual({ attempts, leaseId }, { attempts: 2, leaseId: BEN })
    assert.equal((await probe.acquire(CLEO, { maxLosses: 3 })).attempt, 3)
    assert.equal((await probe.record()).losses, 2)
  }),

  behaviour('whoever takes over from a lost attempt is told so, once, and the record says so', async ({ probe }) => {
    assert.equal((await probe.acquire(ANN)).tookOver, false)
    await probe.fail(ANN, 'it broke')
    assert.equal((await probe.abandon(BEN)).tookOver, false)
    assert.equal((await probe.record()).lastError, 'it broke')
    assert.equal((await probe.acquire(CLEO)).tookOver, true)
    assert.equal(((await probe.claim(CLEO)) as { tookOver?: boolean }).tookOver, false)
    assert.equal((await probe.record()).lastError, lostError(2))
    await probe.fail(CLEO, 'it broke again')
    assert.equal((await probe.acquire(DAN)).tookOver, false)
    assert.equal((await probe.record()).lastError, 'it broke again')
  }),

  behaviour('a live attempt is running, not exhausted, whatever was lost before it', async ({ probe }) => {
    await probe.abandon(ANN)
    await probe.acquire(BEN)
    assert.equal((await probe.claim(CLEO, { maxLosses: 1 })).status, 'running')
  }),

  behaviour('losses still count after a failure', async ({ probe }) => {
    await probe.abandon(ANN)
    await probe.acquire(BEN)
    await probe.fail(BEN)
    assert.deepEqual(await probe.claim(CLEO, { maxLosses: 1 }), { status: 'exhausted', losses: 1 })
  }),

  behaviour('failed attempts are not losses', async ({ probe }) => {
    for (let attempt = 1; attempt <= 4; attempt++) {
      assert.equal((await probe.acquire(ANN, { maxLosses: 1 })).attempt, attempt)
      await probe.fail(ANN)
    }
    assert.equal((await probe.record()).losses, 0)
  }),

  behaviour('the last holder of an exhausted record may still complete it', async ({ probe }) => {
    await probe.abandon(ANN, { maxLosses: 1 })
    assert.equal((await probe.claim(BEN, { maxLosses: 1 })).status, 'exhausted')
    await probe.completed(ANN)
    assert.equal((await probe.claim(BEN, { maxLosses: 1 })).status, 'completed')
  }),

  behaviour('fencing tokens rise over failure, takeover, deletion and expiry', async ({ probe }) => {
    const tokens = [await probe.acquire(ANN)]
    await probe.fail(ANN)
    tokens.push(await probe.abandon(BEN))
    tokens.push(await probe.acquire(CLEO))
    await probe.delete({ force: true })
    tokens.push(await probe.acquire(DAN, { retentionMs: 1 }))
    await probe.complete(DAN)
    await probe.gone()
    tokens.push(await probe.acquire(ANN))
    assertRising(tokens.map(acquired => acquired.fencingToken))
  }),

  behaviour('fencing tokens rise even within one tick of the clock, and are never behind it', async ({ probe }) => {
    const tokens: string[] = []
    for (let i = 0; i < 20; i++) {
      tokens.push((await probe.acquire(ANN)).fencingToken)
      await (i % 2 === 0 ? probe.delete({ force: true }) : probe.fail(ANN))
    }
    tokens.push((await probe.acquire(BEN)).fencingToken)
    assertRising(tokens)
    const { fencingToken, claimedAt } = await probe.record()
    assert.equal(fencingToken, tokens.at(-1))
    assert.ok(BigInt(fencingToken) >= BigInt(Math.floor(claimedAt)) * 1000n)
  }),

  behaviour('the next attempt brings its own lock TTL and retention', async ({ probe }) => {
    await probe.acquire(ANN)
    await probe.fail(ANN)
    await probe.acquire(BEN, { leaseMs: 5 * HOUR, lockTtlMs: 3 * HOUR, retentionMs: 2 * HOUR })
    const running = await probe.record()
    assertSpan(running.claimedAt, running.leaseEndsAt, 3 * HOUR)
    await probe.complete(BEN)
    const { settledAt, expiresAt } = await probe.record()
    assertSpan(settledAt!, expiresAt, 2 * HOUR)
  }),
]
