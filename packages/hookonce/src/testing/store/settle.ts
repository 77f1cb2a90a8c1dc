import assert from 'node:assert/strict'
import { MAX_ERROR_LENGTH } from '../../stores/store.js'
import { behaviour, type StoreCase } from './harness.js'
import { ANN, assertSpan, BEN, HOUR, type Probe, textOf } from './probe.js'

const MINUTE = HOUR / 60

/** Ways in which an attempt loses its lease for good. */
const endings: Record<string, (probe: Probe) => Promise<unknown>> = {
  'it was taken over': async probe => {
    await probe.abandon(ANN)
    await probe.acquire(BEN)
  },
  'another attempt completed': async probe => {
    await probe.abandon(ANN)
    await probe.acquire(BEN)
    await probe.complete(BEN, 'the other')
  },
  'another attempt failed': async probe => {
    await probe.abandon(ANN)
    await probe.acquire(BEN)
    await probe.fail(BEN, 'the other')
  },
  'its record was deleted by force': async probe => {
    await probe.acquire(ANN)
    await probe.delete({ force: true })
  },
  'its record was deleted and the key claimed anew': async probe => {
    await probe.acquire(ANN)
    await probe.delete({ force: true })
    await probe.acquire(BEN)
  },
  'its record never existed': async () => {},
}

export const settleCases: readonly StoreCase[] = [
  behaviour('renewing prolongs a live lease from now on', async ({ probe }) => {
    await probe.acquire(ANN, { leaseMs: 60 * MINUTE, lockTtlMs: 120 * MINUTE })
    assert.equal(await probe.renew(ANN, 90 * MINUTE), 'renewed')
    const { claimedAt, leaseEndsAt, leaseRemainingMs, expiresAt } = await probe.record()
    assert.ok(leaseEndsAt >= claimedAt + 90 * MINUTE - 1 && leaseEndsAt < claimedAt + 120 * MINUTE)
    assert.ok(leaseRemainingMs > 60 * MINUTE)
    assertSpan(leaseEndsAt, expiresAt, 120 * MINUTE)
  }),

  behaviour('renewing never passes the lock TTL, counted from the claim', async ({ probe }) => {
    await probe.acquire(ANN, { leaseMs: HOUR, lockTtlMs: 2 * HOUR })
    await probe.timePasses()
    assert.equal(await probe.renew(ANN, 10 * HOUR), 'renewed')
    const { claimedAt, leaseEndsAt } = await probe.record()
    assertSpan(claimedAt, leaseEndsAt, 2 * HOUR)
  }),

  behaviour('a renewed lease keeps others out', async ({ probe }) => {
    await probe.acquire(ANN)
    await probe.renew(ANN)
    assert.equal((await probe.claim(BEN)).status, 'running')
  }),

  behaviour('a lease that is over cannot be renewed, taken over or not', async ({ probe }) => {
    await probe.abandon(ANN)
    const before = await probe.record()
    assert.equal(await probe.renew(ANN), 'lost')
    assert.deepEqual(await probe.record(), before)
  }),

  behaviour('a settled attempt cannot be renewed', async ({ probe }) => {
    await probe.acquire(ANN)
    await probe.fail(ANN)
    assert.equal(await probe.renew(ANN), 'lost')
    await probe.acquire(BEN)
    await probe.complete(BEN)
    assert.equal(await probe.renew(BEN), 'lost')
  }),

  ...Object.entries(endings).flatMap(([ending, end]) => [
    behaviour(`an attempt can neither renew, complete nor fail once ${ending}`, async ({ probe }) => {
      await end(probe)
      const before = await probe.get()
      assert.equal(await probe.renew(ANN), 'lost')
      assert.deepEqual(await probe.complete(ANN, 'stale'), { status: 'fenced' })
      assert.equal(await probe.fail(ANN, 'stale'), 'fenced')
      const after = await probe.get()
      assert.deepEqual(after && { ...after, leaseRemainingMs: 0 }, before && { ...before, leaseRemainingMs: 0 })
    }),
  ]),

  behaviour('a late result is kept as long as nobody took over', async ({ probe }) => {
    await probe.abandon(ANN)
    await probe.completed(ANN, 'late')
    const outcome = await probe.claim(BEN)
    assert.equal(outcome.status === 'completed' && textOf(outcome.result), 'late')
    assert.equal((await probe.record()).losses, 0)
  }),

  behaviour('a late failure is kept as long as nobody took over, and is no loss', async ({ probe }) => {
    await probe.abandon(ANN)
    assert.equal(await probe.fail(ANN, 'late'), 'failed')
    assert.equal((await probe.record()).lastError, 'late')
    assert.equal((await probe.acquire(BEN, { maxLosses: 1 })).attempt, 2)
    assert.equal((await probe.record()).losses, 0)
  }),

  behaviour('a completion that is sent again is accepted and changes nothing', async ({ probe }) => {
    await probe.acquire(ANN)
    const completedAt = await probe.completed(ANN, 'first')
    const before = await probe.record()
    assert.equal(await probe.completed(ANN, 'second'), completedAt)
    assert.deepEqual(await probe.record(), before)
    assert.equal(textOf(before.result), 'first')
  }),

  behaviour('a failure that is sent again is accepted and does not prolong the retention', async ({ probe }) => {
    await probe.acquire(ANN)
    assert.equal(await probe.fail(ANN), 'failed')
    const { settledAt, expiresAt } = await probe.record()
    await probe.timePasses()
    assert.equal(await probe.fail(ANN), 'failed')
    const again = await probe.record()
    assert.deepEqual([again.settledAt, again.expiresAt], [settledAt, expiresAt])
  }),

  behaviour('the first word of an attempt stands: completed or failed', async ({ probe }) => {
    await probe.acquire(ANN)
    await probe.complete(ANN)
    assert.equal(await probe.fail(ANN), 'fenced')
    assert.equal((await probe.record()).state, 'completed')

    const other = probe.of({ key: 'other' })
    await other.acquire(ANN)
    await other.fail(ANN)
    assert.deepEqual(await other.complete(ANN), { status: 'fenced' })
    assert.equal((await other.record()).state, 'failed')
  }),

  behaviour('retention starts when the attempt settles, not when it was claimed', async ({ probe }) => {
    const failed = probe.of({ key: 'failed' })
    await probe.acquire(ANN)
    await failed.acquire(ANN)
    await probe.timePasses()
    await probe.complete(ANN)
    await failed.fail(ANN)
    for (const { claimedAt, settledAt, expiresAt } of [await probe.record(), await failed.record()]) {
      assert.ok(settledAt! > claimedAt)
      assertSpan(settledAt!, expiresAt, HOUR)
    }
  }),

  behaviour('a running record is kept for the lock TTL or the retention after its lease', async ({ probe }) => {
    await probe.acquire(ANN, { lockTtlMs: 3 * HOUR, retentionMs: HOUR })
    const locked = await probe.record()
    assertSpan(locked.leaseEndsAt, locked.expiresAt, 3 * HOUR)

    const retained = probe.of({ key: 'retained' })
    await retained.acquire(ANN, { lockTtlMs: HOUR, retentionMs: 3 * HOUR })
    const { leaseEndsAt, expiresAt } = await retained.record()
    assertSpan(leaseEndsAt, expiresAt, 3 * HOUR)
  }),

  behaviour('of an error as many characters are kept as the contract says', async ({ probe }) => {
    await probe.acquire(ANN)
    await probe.fail(ANN, 'é'.repeat(MAX_ERROR_LENGTH + 1))
    assert.equal((await probe.record()).lastError, 'é'.repeat(MAX_ERROR_LENGTH))
  }),

  behaviour('no text of an error keeps the key from being given back', async ({ probe }) => {
    for (const error of ['', '\0', 'a\0b', '\ud800', '😀'.repeat(MAX_ERROR_LENGTH), "'; --", '\u{1b}[0m\n']) {
      await probe.acquire(ANN)
      assert.equal(await probe.fail(ANN, error), 'failed')
    }
    const { lastError } = await probe.record()
    assert.equal(lastError, '\u{1b}[0m\n')
  }),
]
