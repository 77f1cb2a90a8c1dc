import assert from 'node:assert/strict'
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
    const { scope } = probe.id
    const listed = async (query: object) => {
      const found: string[] = []
      for (let after: string | undefined, pages = 0; pages < 100; pages++) {
        const page = await probe.store.list({ scope, accepted: true, limit: 3, ...query, ...(after && { after }) })
        found.push(...page.records.map(({ key }) => key))
        if (page.next === undefined) return found
        after = page.next
      }
      assert.fail('the pages never end')
    }
    assert.deepEqual(await listed({}), ['four', 'three', 'two', 'one'])
    assert.deepEqual(await listed({ limit: 1 }), ['four', 'three', 'two', 'one'])
    assert.deepEqual(await listed({ state: 'pending' }), ['four', 'three', 'two'])
    assert.deepEqual(await listed({ state: 'running' }), ['one'])
    assert.deepEqual(await listed({ since: times[1], until: times[3] }), ['three', 'two'])
    assert.deepEqual(await listed({ since: times[3]! + 1 }), [])
  }),
]
