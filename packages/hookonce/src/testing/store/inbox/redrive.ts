import assert from 'node:assert/strict'
import { NEVER } from '../../../stores/store.js'
import type { StoreCase } from '../harness.js'
import { ANN, BEN, CLEO, textOf } from '../probe.js'
import { accept, bring, fail, inboxCase, lose, redrive, takeOne } from './support.js'

export const redrivingCases: readonly StoreCase[] = [
  ...(['dead', 'completed'] as const).map(state =>
    inboxCase(`a ${state} record is redriven: a new round, one result`, async ({ probe }) => {
      await bring[state](probe)
      assert.equal(await redrive(probe, state === 'completed'), 'redriven')
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
