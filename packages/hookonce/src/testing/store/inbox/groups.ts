import assert from 'node:assert/strict'
import type { StoreCase } from '../harness.js'
import { ANN, BEN, CLEO, HOUR } from '../probe.js'
import { accept, fail, groupCase, keysOf, take, takeOne } from './support.js'

export const groupingCases: readonly StoreCase[] = [
  groupCase('a record of a group says so, and is taken with it', async ({ probe }) => {
    await accept(probe, { group: 'g' })
    assert.equal((await probe.record()).accepted!.group, 'g')
    assert.equal((await takeOne(probe, ANN)).accepted.group, 'g')
  }),

  groupCase('of a group one at a time is taken, in the order of acceptance, failures included', async ({ probe }) => {
    const keys = ['zeta', 'alpha', 'mid']
    for (const key of keys) await accept(probe.of({ key }), { group: 'g' })
    const order: string[] = []
    for (let attempt = 0; order.length < keys.length; attempt++) {
      const claims = await take(probe, ANN)
      assert.equal(claims.length, 1)
      const one = probe.of(claims[0]!)
      assert.deepEqual(await take(probe, BEN), [])
      if (attempt % 2 === 0) {
        await fail(one, ANN, { dueInMs: 0 })
        continue
      }
      await one.completed(ANN)
      order.push(one.id.key)
    }
    assert.deepEqual(order, keys)
  }),

  groupCase('a failed head of a group holds back the rest until it is due, dead or deleted', async ({ probe }) => {
    for (const key of ['one', 'two', 'three']) await accept(probe.of({ key }), { group: 'g' })
    await takeOne(probe.of({ key: 'one' }), ANN)
    await fail(probe.of({ key: 'one' }), ANN, { dueInMs: HOUR })
    assert.deepEqual(await take(probe, BEN), [])
    await probe.of({ key: 'one' }).delete()
    await takeOne(probe.of({ key: 'two' }), BEN)
    await fail(probe.of({ key: 'two' }), BEN, 'dead')
    await takeOne(probe.of({ key: 'three' }), CLEO)
  }),

  groupCase('groups do not wait for each other, nor for what has none', async ({ probe }) => {
    for (const [key, group] of [
      ['a1', 'a'],
      ['a2', 'a'],
      ['b1', 'b'],
      ['free 1', null],
      ['free 2', null],
    ] as const) {
      await accept(probe.of({ key }), { group })
    }
    assert.deepEqual(keysOf(await take(probe, ANN)), ['a1', 'b1', 'free 1', 'free 2'])
  }),

  groupCase('a group of one scope has nothing to do with that of another', async ({ probe }) => {
    const elsewhere = probe.of({ scope: `${probe.id.scope}*` })
    await accept(elsewhere, { group: 'g' })
    await accept(probe, { group: 'g' })
    await takeOne(probe, ANN)
    await takeOne(elsewhere, BEN)
  }),
]
