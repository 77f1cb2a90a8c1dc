import type { RecordSummary, Store } from 'hookonce'
import { expect, test } from 'vitest'
import { complete, open, request, server } from './support.js'

/** All pages, by key: how often each record was on one. */
async function pages(store: Store, query: { limit: number; state?: RecordSummary['state'] }, between = async () => {}) {
  const seen = new Map<string, number>()
  let sizes: number[] = []
  for (let after: string | undefined; ; ) {
    const { records, next } = await store.list({ scope: 'test', ...query, ...(after && { after }) })
    for (const { key } of records) seen.set(key, (seen.get(key) ?? 0) + 1)
    sizes = [...sizes, records.length]
    if (next === undefined) return { seen, sizes }
    after = next
    await between()
  }
}

const keys = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `key ${from + i}`)

test('each record that stays is on a page while others come and go and Redis resizes its table', async () => {
  const redis = await server()
  const store = open(redis.url)
  const staying = keys(0, 300)
  await Promise.all(staying.map(key => complete(store, key)))
  let next = 1000
  const { seen } = await pages(store, { limit: 7 }, async () => {
    const coming = keys(next, next + 100)
    next += 100
    await Promise.all(coming.map(key => store.claim(request(key))))
    if (next % 500 === 0) await Promise.all(keys(1000, next).map(key => store.delete(request(key), { force: true })))
  })
  for (const key of staying) expect(seen.get(key), key).toBeGreaterThan(0)
})

test('rare records are found among many in few pages', async () => {
  const redis = await server()
  const store = open(redis.url)
  await redis.ask('DEBUG', 'POPULATE', '50000', 'of somebody else')
  await Promise.all(keys(0, 200).map(key => complete(store, key)))
  for (const key of keys(200, 205)) await store.claim(request(key))
  const { seen, sizes } = await pages(store, { limit: 2, state: 'running' })
  expect([...seen.keys()].sort()).toEqual(keys(200, 205))
  expect(sizes.length).toBeLessThanOrEqual(4)
})

test('a page scans a bounded number of keys', async () => {
  const redis = await server()
  const store = open(redis.url)
  await redis.ask('DEBUG', 'POPULATE', '250000', 'of somebody else')
  await complete(store, 'key 0')
  const { seen, sizes } = await pages(store, { limit: 10 })
  expect(seen).toEqual(new Map([['key 0', 1]]))
  expect(sizes.length).toBeGreaterThan(1)
})
