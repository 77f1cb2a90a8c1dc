import assert from 'node:assert/strict'
import type { Store } from '../../../stores/store.js'
import type { StoreCase } from '../harness.js'
import { ANN, BEN, DAN, HOUR, type Probe } from '../probe.js'
import { accept, fail, groupCase, inboxCase, lose, redrive, storeOf, take, takeOne } from './support.js'

const countOf = async (probe: Probe, store: Store = probe.store) =>
  (await storeOf(probe.through(store)).backlog(probe.id.scope)).dead

/** One way to die each, while nothing else of the scope is due. */
const ways: Record<string, (probe: Probe) => Promise<void>> = {
  async failing(probe) {
    await takeOne(probe, ANN)
    assert.equal(await fail(probe, ANN, 'dead'), 'failed')
  },
  async 'lost attempts'(probe) {
    await lose(probe, ANN)
    assert.deepEqual(await take(probe, BEN, { maxLosses: 1 }), [])
  },
}

const endings: Record<string, (probe: Probe) => Promise<unknown>> = {
  async redriven(probe) {
    assert.equal(await redrive(probe), 'redriven')
    await takeOne(probe, BEN)
  },
  async deleted(probe) {
    assert.equal(await probe.delete(), 'deleted')
    assert.equal((await accept(probe)).status, 'accepted')
    await takeOne(probe, BEN)
  },
}

/** How the dead records of a scope are counted. */
export const countingDeadCases: readonly StoreCase[] = [
  ...Object.entries(ways).flatMap(([way, die]) => [
    inboxCase(`a record that died of ${way} is counted as dead, by every client`, async ({ probe, another }) => {
      assert.equal(await countOf(probe), 0)
      for (const [already, key] of ['one', 'two'].entries()) {
        const one = probe.of({ key })
        await accept(one)
        assert.equal(await countOf(probe), already)
        await die(one)
        assert.equal(await countOf(probe), already + 1)
      }
      assert.equal(await countOf(probe, await another()), 2)
    }),

    groupCase(`a record of a group that died of ${way} is counted as dead`, async ({ probe }) => {
      await accept(probe, { group: 'g' })
      await die(probe)
      assert.equal(await countOf(probe), 1)
    }),

    inboxCase(`a record that died of ${way} is not counted once its retention is over`, async ({ probe }) => {
      await accept(probe, { retentionMs: 1 })
      await die(probe)
      await probe.gone()
      assert.equal(await countOf(probe), 0)
      await accept(probe)
      assert.equal(await countOf(probe), 0)
      await die(probe)
      assert.equal(await countOf(probe), 1)
    }),

    ...Object.entries(endings).map(([ending, end]) =>
      inboxCase(`a record that died of ${way} and was ${ending} is not counted as dead`, async ({ probe }) => {
        for (const key of ['kept', 'ended']) {
          await accept(probe.of({ key }))
          await die(probe.of({ key }))
        }
        const ended = probe.of({ key: 'ended' })
        await end(ended)
        assert.equal(await countOf(probe), 1)
        assert.equal(await fail(ended, BEN, 'dead'), 'failed')
        assert.equal(await countOf(probe), 2)
        await redrive(ended)
        await takeOne(ended, DAN)
        await ended.completed(DAN)
        assert.equal(await countOf(probe), 1)
      }),
    ),
  ]),

  inboxCase(
    'what is completed, failed, only claimed, or of another scope is not counted as dead',
    async ({ probe }) => {
      for (const key of ['completed', 'failed']) await accept(probe.of({ key }))
      assert.equal((await take(probe, ANN)).length, 2)
      await probe.of({ key: 'completed' }).completed(ANN)
      await fail(probe.of({ key: 'failed' }), ANN, { dueInMs: HOUR })
      const claimed = probe.of({ key: 'claimed' })
      await claimed.acquire(ANN)
      await fail(claimed, ANN, 'dead')
      const elsewhere = probe.of({ scope: `${probe.id.scope}-other` })
      await accept(elsewhere)
      await ways.failing!(elsewhere)
      assert.deepEqual([await countOf(probe), await countOf(elsewhere)], [0, 1])
    },
  ),
]
