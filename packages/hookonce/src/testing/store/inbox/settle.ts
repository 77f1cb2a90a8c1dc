import assert from 'node:assert/strict'
import { NEVER } from '../../../stores/store.js'
import type { StoreCase } from '../harness.js'
import { ANN, assertSpan, BEN, CLEO, DAN, HOUR, type Probe, textOf } from '../probe.js'
import { accept, fail, inboxCase, take, takeOne } from './support.js'

export const settlingCases: readonly StoreCase[] = [
  inboxCase('completion settles: nothing is due, retention begins', async ({ probe }) => {
    await accept(probe, { retentionMs: 2 * HOUR })
    await takeOne(probe, ANN)
    const completedAt = await probe.completed(ANN, 'done')
    const { state, accepted, expiresAt, result } = await probe.record()
    assert.deepEqual([state, accepted!.dueAt, textOf(result)], ['completed', null, 'done'])
    assertSpan(completedAt, expiresAt, 2 * HOUR)
  }),

  inboxCase('a failure says when the next attempt is due; the record does not expire before', async ({ probe }) => {
    await accept(probe, { retentionMs: 1 })
    await takeOne(probe, ANN)
    assert.equal(await fail(probe, ANN, { dueInMs: HOUR }), 'failed')
    const { state, settledAt, accepted, expiresAt, lastError } = await probe.record()
    assert.deepEqual([state, expiresAt, lastError], ['failed', NEVER, 'it broke'])
    assertSpan(settledAt!, accepted!.dueAt!, HOUR)
    assert.deepEqual(await take(probe, BEN), [])
    assert.equal(await fail(probe, ANN, { dueInMs: 0 }), 'failed')
    assert.deepEqual(await take(probe, BEN), [])
  }),

  inboxCase('a failure that says nothing more is due again at once', async ({ probe }) => {
    await accept(probe)
    await takeOne(probe, ANN)
    await probe.fail(ANN)
    const again = await takeOne(probe, BEN)
    assert.equal(again.attempt, 2)
    assert.equal((await probe.record()).losses, 0)
  }),

  inboxCase('an attempt given back that did not begin does not count in its round', async ({ probe }) => {
    await accept(probe)
    await takeOne(probe, ANN)
    assert.equal(await fail(probe, ANN, { dueInMs: 0, notBegun: true }), 'failed')
    const again = await takeOne(probe, BEN)
    assert.deepEqual([again.attempt, again.accepted.earlierAttempts], [2, 1])
  }),

  inboxCase('a dead record is kept for its retention and never taken', async ({ probe }) => {
    await accept(probe, { retentionMs: HOUR })
    await takeOne(probe, ANN)
    assert.equal(await fail(probe, ANN, 'dead'), 'failed')
    assert.equal(await fail(probe, ANN, 'dead'), 'failed')
    const { state, settledAt, accepted, expiresAt } = await probe.record()
    assert.deepEqual([state, accepted!.dueAt], ['dead', null])
    assertSpan(settledAt!, expiresAt, HOUR)
    assert.deepEqual(await take(probe, BEN), [])
  }),

  inboxCase('a claimed record fails as ever, whatever is to come next', async ({ probe }) => {
    await probe.acquire(ANN)
    assert.equal(await fail(probe, ANN, 'dead'), 'failed')
    assert.equal((await probe.record()).state, 'failed')
    assert.equal((await probe.acquire(BEN)).attempt, 2)
  }),

  inboxCase(
    'a pending record is nobody’s attempt: it is neither completed nor failed nor renewed',
    async ({ probe }) => {
      await accept(probe)
      assert.deepEqual(await probe.complete(DAN), { status: 'fenced' })
      assert.equal(await fail(probe, DAN), 'fenced')
      assert.equal(await probe.renew(DAN), 'lost')
      assert.equal((await probe.record()).state, 'pending')
    },
  ),

  inboxCase('settled records expire after their retention and can be accepted anew', async ({ probe }) => {
    for (const settle of [(one: Probe) => one.completed(ANN), (one: Probe) => fail(one, ANN, 'dead')]) {
      await accept(probe, { retentionMs: 1 })
      await takeOne(probe, ANN)
      await settle(probe)
      await probe.gone()
      assert.equal((await accept(probe, { acceptId: CLEO, retentionMs: 1 })).status, 'accepted')
      assert.equal((await probe.record()).attempts, 0)
      await probe.delete({ force: true })
    }
  }),

  inboxCase('a deleted record is not taken; one that runs is refused unless forced', async ({ probe }) => {
    await accept(probe)
    assert.equal(await probe.delete(), 'deleted')
    assert.deepEqual(await take(probe, ANN), [])
    await accept(probe)
    await takeOne(probe, ANN)
    assert.equal(await probe.delete(), 'running')
    assert.equal(await probe.delete({ force: true }), 'deleted')
    assert.deepEqual(await probe.complete(ANN), { status: 'fenced' })
  }),
]
