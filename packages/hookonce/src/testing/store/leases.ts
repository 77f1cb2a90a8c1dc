import assert from 'node:assert/strict'
import { setImmediate as breath } from 'node:timers/promises'
import type { StoredRecord } from '../../stores/store.js'
import { behaviour, type StoreCase } from './harness.js'
import { accept, inboxCase, take, takeOne } from './inbox/support.js'
import { ANN, assertSpan, BEN, CLEO, HOUR, type Probe } from './probe.js'

const assertLease = ({ claimedAt, leaseEndsAt }: StoredRecord, ms: number) => assertSpan(claimedAt, leaseEndsAt, ms)

/** Two polls this close together show an end that is wrong by five milliseconds. */
const CLOSE_MS = 4
const MOST_ROUNDS = 40
const SHORT_LEASE_MS = 20
const newLeaseId = () => crypto.randomUUID().replaceAll('-', '')

interface AtTheEnd {
  begin?: (one: Probe) => Promise<unknown>
  /** Whether it found the lease to be over. */
  ask: (one: Probe) => Promise<boolean>
  /** The store's time at the answer, or a time soon after it. */
  time: (one: Probe) => Promise<number>
}

/**
 * Polls without a pause until the lease is over, and checks that it is not over before its end. Repeats until a lease
 * ends between two polls that are close together, which a busy machine may not reach.
 */
async function holdsToItsEnd(probe: Probe, { begin, ask, time }: AtTheEnd): Promise<void> {
  let apartMs = Number.POSITIVE_INFINITY
  for (let round = 0; round < MOST_ROUNDS && apartMs > CLOSE_MS; round++) {
    const one = probe.of({ key: `lease ${round}` })
    await (begin ?? (() => one.acquire(ANN, { leaseMs: SHORT_LEASE_MS, lockTtlMs: SHORT_LEASE_MS })))(one)
    const { leaseEndsAt } = await one.record()
    const deadline = performance.now() + 10_000
    for (let lastAskedAt = Number.NEGATIVE_INFINITY; ; ) {
      const askedAt = performance.now()
      if (await ask(one)) {
        const at = await time(one)
        apartMs = performance.now() - lastAskedAt
        assert.ok(at >= leaseEndsAt, `the lease was over ${leaseEndsAt - at} ms before its end`)
        break
      }
      assert.ok(askedAt < deadline, 'waited in vain for the lease to end')
      lastAskedAt = askedAt
      await breath()
    }
  }
}

const claimedAt = async (one: Probe) => (await one.record()).claimedAt

/** Reads the store's clock, by a claim of another key. */
async function clockOf(probe: Probe): Promise<number> {
  const other = probe.of({ key: `clock ${newLeaseId()}` })
  await other.acquire(ANN)
  return claimedAt(other)
}

/** The end of a lease, to the millisecond. */
export const leaseCases: readonly StoreCase[] = [
  behaviour('a lease is as long as asked: of a first, a further and a taken-over attempt', async ({ probe }) => {
    const request = { leaseMs: HOUR, lockTtlMs: 2 * HOUR }
    await probe.acquire(ANN, { ...request, retentionMs: 1 })
    assertLease(await probe.record(), HOUR)
    await probe.fail(ANN)
    await probe.gone()
    await probe.acquire(BEN, request)
    assertLease(await probe.record(), HOUR)
    await probe.fail(BEN)
    await probe.abandon(CLEO)
    await probe.acquire(ANN, request)
    assertLease(await probe.record(), HOUR)
  }),

  behaviour('a renewed lease is as long as asked, from the renewal on', async ({ probe }) => {
    let apartMs = Number.POSITIVE_INFINITY
    for (let round = 0; round < MOST_ROUNDS && apartMs > CLOSE_MS; round++) {
      const one = probe.of({ key: `renewed ${round}` })
      await one.acquire(ANN, { leaseMs: HOUR, lockTtlMs: 9 * HOUR })
      const startedAt = performance.now()
      const before = await clockOf(one)
      assert.equal(await one.renew(ANN, 3 * HOUR), 'renewed')
      const after = await clockOf(one)
      apartMs = performance.now() - startedAt
      const renewedAt = (await one.record()).leaseEndsAt - 3 * HOUR
      assert.ok(
        renewedAt >= before - 1 && renewedAt <= after + 1,
        `renewed between ${before} and ${after}, and the lease is counted from ${renewedAt}`,
      )
    }
  }),

  behaviour('the remaining lease is exact to the millisecond', async ({ probe }) => {
    let apartMs = Number.POSITIVE_INFINITY
    for (let round = 0; round < MOST_ROUNDS && apartMs > CLOSE_MS; round++) {
      const one = probe.of({ key: `remaining ${round}` })
      const startedAt = performance.now()
      await one.acquire(ANN)
      const refused = await one.claim(BEN)
      const { leaseRemainingMs } = await one.record()
      apartMs = performance.now() - startedAt
      assert.ok(refused.status === 'running')
      for (const left of [refused.leaseRemainingMs, leaseRemainingMs]) {
        assert.ok(left <= HOUR && left >= HOUR - apartMs - 1, `${HOUR - left} ms are gone after ${apartMs} ms`)
      }
    }
  }),

  behaviour('a claim takes over at the end of the lease, not before', ({ probe }) =>
    holdsToItsEnd(probe, {
      ask: async one => (await one.claim(newLeaseId())).status === 'acquired',
      time: claimedAt,
    }),
  ),

  behaviour('a renewal is answered lost at the end of the lease, not before', ({ probe }) =>
    holdsToItsEnd(probe, {
      // At the lock TTL, which no renewal extends.
      ask: async one => (await one.renew(ANN)) === 'lost',
      time: clockOf,
    }),
  ),

  behaviour('a record may be deleted without force at the end of the lease, not before', ({ probe }) =>
    holdsToItsEnd(probe, {
      ask: async one => (await one.delete()) === 'deleted',
      time: clockOf,
    }),
  ),

  inboxCase('the lease of what was taken is as long as asked, or as its lock TTL', async ({ probe }) => {
    await accept(probe)
    await takeOne(probe, ANN, { leaseMs: HOUR, lockTtlMs: 2 * HOUR })
    assertLease(await probe.record(), HOUR)
    await probe.fail(ANN)
    await takeOne(probe, BEN, { leaseMs: 2 * HOUR, lockTtlMs: HOUR })
    assertLease(await probe.record(), HOUR)
    assert.equal(await probe.renew(BEN, 2 * HOUR), 'renewed')
    assertLease(await probe.record(), HOUR)
  }),

  inboxCase('what was taken is taken over at the end of the lease, not before', ({ probe }) =>
    holdsToItsEnd(probe, {
      begin: async one => {
        await accept(one)
        await takeOne(one, ANN, { leaseMs: SHORT_LEASE_MS, lockTtlMs: HOUR })
      },
      ask: async one => (await take(one, newLeaseId(), { limit: 1, lockTtlMs: HOUR })).length > 0,
      time: claimedAt,
    }),
  ),
]
