import assert from 'node:assert/strict'
import type { ListQuery } from '../../../stores/store.js'
import type { StoreCase } from '../harness.js'
import { ANN } from '../probe.js'
import { accept, inboxCase, takeOne } from './support.js'

export const listingCases: readonly StoreCase[] = [
  inboxCase('a list of accepted records is newest first, by time and state', async ({ probe }) => {
    const keys = ['one', 'two', 'three', 'four']
    await probe.of({ key: 'claimed' }).acquire(ANN)
    const times: number[] = []
    for (const key of keys) {
      await accept(probe.of({ key }))
      times.push((await probe.of({ key }).record()).createdAt)
      await probe.of({ scope: `${probe.id.scope}-${key}` }).timePasses()
    }
    await takeOne(probe.of({ key: 'one' }), ANN, { limit: 1 })
    const listed = async (query: Partial<ListQuery>) => {
      const records = await probe.listed({ accepted: true, limit: 3, ...query })
      return records.map(({ key }) => key)
    }
    assert.deepEqual(await listed({}), ['four', 'three', 'two', 'one'])
    assert.deepEqual(await listed({ limit: 1 }), ['four', 'three', 'two', 'one'])
    assert.deepEqual(await listed({ state: 'pending' }), ['four', 'three', 'two'])
    assert.deepEqual(await listed({ state: 'running' }), ['one'])
    assert.deepEqual(await listed({ since: times[1]!, until: times[3]! }), ['three', 'two'])
    assert.deepEqual(await listed({ since: times[3]! + 1 }), [])
  }),
]
