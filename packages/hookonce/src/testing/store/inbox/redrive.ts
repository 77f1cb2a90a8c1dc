import assert from 'node:assert/strict'
import { NEVER } from '../../../stores/store.js'
import type { StoreCase } from '../harness.js'
import { ANN, BEN, CLEO, HOUR, textOf } from '../probe.js'
import { accept, bring, fail, groupCase, inboxCase, lose, redrive, take, takeOne } from './support.js'

export const redrivingCases: readonly StoreCase[] = [
  ...(['dead', 'completed'] as const).map(state =>
    inboxCase(`a ${state} record is redriven: a new round, one result`, async ({ probe }) => {
      await bring[state](probe)
      assert.equal(await redrive(probe, { completed: true }), 'redriven')
      const { accepted, attempts, settledAt, result, expiresAt, losses, ...record } = await probe.record()
      assert.deepEqual(
        [record.state, attempts, settledAt, result, expiresAt, losses],
        ['pending', 1, null, null, NEVER, 0],
      )
      assert.deepEqual({ ...accepted, dueAt: null }, { dueAt: null, group: null, round: 2, earlierAttempts: 1 })
      assert.deepEqual(await probe.complete(ANN), { status: 'fenced' })
      const claim = await takeOne(probe, BEN)
      assert.deepEqual([claim.attempt, claim.accepted.round, claim.accepted.earlierAttempts], [2, 2, 1])
      await probe.completed(BEN, 'the second')
      assert.equal(textOf((await probe.record()).result), 'the second')
    }),
  ),

  ...(['pending', 'running', 'failed'] as const).map(state =>
    inboxCase(`a ${state} record is busy, and redriving changes nothing`, async ({ probe }) => {
      await bring[state](probe)
      const { leaseRemainingMs: _, ...before } = await probe.record()
      assert.equal(await redrive(probe), 'busy')
      const { leaseRemainingMs: __, ...after } = await probe.record()
      assert.deepEqual(after, before)
    }),
  ),

  ...(['pending', 'failed'] as const).map(state =>
    inboxCase(`a ${state} record that waits is due at once if that is said, in the same round`, async ({ probe }) => {
      await bring[state](probe)
      const { accepted: before, ...rest } = await probe.record()
      assert.deepEqual(await take(probe, BEN), [])
      assert.equal(await redrive(probe, { waiting: true }), 'due')
      const { accepted: after, ...sameRest } = await probe.record()
      assert.deepEqual(sameRest, rest)
      assert.ok(after!.dueAt! < before!.dueAt! && after!.dueAt! >= rest.createdAt)
      assert.deepEqual({ ...after, dueAt: null }, { ...before, dueAt: null })
      const claim = await takeOne(probe, BEN)
      assert.equal(claim.attempt, rest.attempts + 1)
      assert.deepEqual({ ...claim.accepted, dueAt: null }, { ...before, dueAt: null })
      await probe.completed(BEN)
    }),
  ),

  inboxCase('a record that is due already stays so', async ({ probe }) => {
    await accept(probe)
    const before = await probe.record()
    await probe.timePasses()
    assert.equal(await redrive(probe, { waiting: true }), 'due')
    assert.deepEqual(await probe.record(), before)
    await takeOne(probe, ANN)
    assert.deepEqual(await take(probe, BEN), [])
  }),

  inboxCase('a record that runs is not made due, whether its lease is over or not', async ({ probe }) => {
    await bring.running(probe)
    const { leaseRemainingMs: _, ...before } = await probe.record()
    assert.equal(await redrive(probe, { waiting: true }), 'busy')
    const { leaseRemainingMs: __, ...after } = await probe.record()
    assert.deepEqual(after, before)
    const lost = probe.of({ key: 'lost' })
    await accept(lost)
    await lose(lost, BEN)
    assert.equal(await redrive(lost, { waiting: true }), 'busy')
  }),

  inboxCase('what is settled is not made due', async ({ probe }) => {
    const completed = probe.of({ key: 'completed' })
    await bring.completed(completed)
    assert.equal(await redrive(completed, { waiting: true }), 'completed')
    await bring.dead(probe)
    assert.equal(await redrive(probe, { waiting: true }), 'redriven')
    assert.equal((await probe.record()).accepted!.round, 2)
  }),

  inboxCase('a failed record that was only claimed is not made due', async ({ probe }) => {
    await probe.acquire(ANN)
    assert.equal(await probe.fail(ANN), 'failed')
    assert.equal(await redrive(probe, { waiting: true }), 'absent')
    assert.deepEqual(await take(probe, BEN), [])
  }),

  groupCase('a record that is made due waits for the earlier ones of its group', async ({ probe }) => {
    const [one, two] = [probe.of({ key: 'one' }), probe.of({ key: 'two' })]
    for (const each of [one, two]) await accept(each, { group: 'g', delayMs: HOUR })
    assert.equal(await redrive(two, { waiting: true }), 'due')
    assert.deepEqual(await take(probe, ANN), [])
    assert.equal(await redrive(one, { waiting: true }), 'due')
    await takeOne(one, ANN)
    assert.equal(await redrive(two, { waiting: true }), 'due')
    assert.deepEqual(await take(probe, BEN), [])
    await fail(one, ANN, { dueInMs: HOUR })
    assert.deepEqual(await take(probe, BEN), [])
    assert.equal(await redrive(one, { waiting: true }), 'due')
    await takeOne(one, BEN)
    await one.completed(BEN)
    await takeOne(two, CLEO)
  }),

  inboxCase('a completed record is redriven only if that is said', async ({ probe }) => {
    await bring.completed(probe)
    const before = await probe.record()
    assert.equal(await redrive(probe), 'completed')
    assert.deepEqual(await probe.record(), before)
  }),

  inboxCase('after a redrive losses are counted anew', async ({ probe }) => {
    await accept(probe)
    await lose(probe, ANN)
    await takeOne(probe, BEN)
    await fail(probe, BEN, 'dead')
    await redrive(probe)
    assert.equal((await probe.record()).losses, 0)
    assert.equal((await takeOne(probe, CLEO, { maxLosses: 1 })).attempt, 3)
  }),

  inboxCase('what is not there cannot be redriven', async ({ probe }) => {
    assert.equal(await redrive(probe), 'absent')
  }),
]
