import assert from 'node:assert/strict'
import { NEVER } from '../../../stores/store.js'
import type { StoreCase } from '../harness.js'
import { ANN, assertSpan, BEN, CLEO, DAN, HOUR, ONE, type Probe, TWO, textOf } from '../probe.js'
import { accept, bring, groupCase, inboxCase, redrive, states, take, takeOne } from './support.js'

async function assertOwnBytes(probe: Probe, group: string | null): Promise<void> {
  const given = Buffer.from('what came')
  await accept(probe, { delivery: given, group })
  given.fill(0)
  const { delivery } = await probe.record()
  delivery!.fill(0)
  const taken = await takeOne(probe, ANN)
  assert.equal(textOf(taken.delivery), 'what came')
  taken.delivery.fill(0)
  assert.equal(textOf((await probe.record()).delivery!), 'what came')
}

export const acceptingCases: readonly StoreCase[] = [
  inboxCase('an accepted record is pending, with what was accepted, and does not expire', async ({ probe }) => {
    const outcome = await accept(probe, { fingerprint: ONE, delayMs: HOUR })
    const { createdAt, accepted, delivery, ...rest } = await probe.record()
    assert.deepEqual(outcome, { status: 'accepted', acceptedAt: createdAt })
    assertSpan(createdAt, accepted!.dueAt!, HOUR)
    assert.deepEqual({ ...accepted, dueAt: null }, { dueAt: null, group: null, round: 1, earlierAttempts: 0 })
    assert.equal(textOf(delivery!), 'delivery')
    assert.deepEqual(rest, {
      ...probe.id,
      state: 'pending',
      fingerprint: ONE,
      label: null,
      attempts: 0,
      losses: 0,
      leaseId: DAN,
      fencingToken: '0',
      claimedAt: createdAt,
      leaseEndsAt: createdAt,
      leaseRemainingMs: 0,
      settledAt: null,
      expiresAt: NEVER,
      lastError: null,
      history: [],
      result: null,
    })
  }),

  ...states.map(state =>
    inboxCase(`what is accepted again is known and unchanged: ${state}`, async ({ probe }) => {
      await bring[state](probe)
      const { leaseRemainingMs: _, ...before } = await probe.record()
      const again = await accept(probe, { acceptId: CLEO, delivery: Buffer.from('other'), retentionMs: 1, group: 'g' })
      assert.deepEqual(again, { status: 'known', state, acceptedAt: before.createdAt })
      const { leaseRemainingMs: __, ...after } = await probe.record()
      assert.deepEqual(after, before)
    }),
  ),

  ...states.map(state =>
    inboxCase(`an acceptance under another fingerprint is a mismatch: ${state}`, async ({ probe }) => {
      await bring[state](probe)
      assert.deepEqual(await accept(probe, { acceptId: CLEO, fingerprint: TWO }), { status: 'mismatch' })
    }),
  ),

  inboxCase('an acceptance that was sent twice is accepted again, once attempted it is known', async ({ probe }) => {
    const first = await accept(probe)
    assert.deepEqual(await accept(probe), first)
    assert.equal((await take(probe, ANN)).length, 1)
    assert.equal((await accept(probe)).status, 'known')
  }),

  inboxCase('a record that was claimed, not accepted, is known and not queued', async ({ probe }) => {
    await probe.acquire(ANN)
    await probe.fail(ANN)
    assert.equal((await accept(probe)).status, 'known')
    assert.deepEqual(await take(probe, BEN), [])
    assert.equal(await redrive(probe), 'absent')
    assert.equal((await probe.record()).accepted, undefined)
  }),

  inboxCase('of many acceptances at once one is accepted', async ({ probe, another }) => {
    const clients = [probe, probe.through(await another())]
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, i) => accept(clients[i % 2]!, { acceptId: `${i}`.padStart(32, '0') })),
    )
    assert.equal(outcomes.filter(({ status }) => status === 'accepted').length, 1)
    assert.equal((await take(probe, ANN)).length, 1)
  }),

  inboxCase('what a caller does to its buffers afterwards does not change what was accepted', ({ probe }) =>
    assertOwnBytes(probe, null),
  ),
  groupCase('what a caller does to its buffers afterwards does not change what was accepted in a group', ({ probe }) =>
    assertOwnBytes(probe, 'g'),
  ),

  inboxCase('deliveries of no bytes and of a megabyte of any bytes are kept as they are', async ({ probe }) => {
    const big = Buffer.alloc(1_048_576, Buffer.from([0, 255, 10, 0x80, 0xc3, 0x28]))
    for (const delivery of [Buffer.alloc(0), big]) {
      const one = probe.of({ key: `${delivery.length}` })
      await accept(one, { delivery })
      assert.ok(Buffer.from((await one.record()).delivery!).equals(delivery))
      assert.ok(Buffer.from((await takeOne(one, ANN)).delivery).equals(delivery))
      await one.completed(ANN, '')
      assert.ok(Buffer.from((await one.record()).delivery!).equals(delivery))
    }
  }),
]
