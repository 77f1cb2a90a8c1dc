import { statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { listed } from '../../support/listed.js'
import { connect, eventually, onCleanup, open, request, temporaryFolder } from './support.js'

const brief = { leaseMs: 1, lockTtlMs: 1, retentionMs: 1 }

test('expired records are removed in the background, and the file gives their space back', async () => {
  const path = join(temporaryFolder(), 'hookonce.db')
  const store = open(path, { purgeIntervalMs: 20 })
  await store.claim(request('kept'))
  const result = Buffer.alloc(20_000)
  await Promise.all(
    Array.from({ length: 700 }, async (_, index) => {
      const claimed = request(`key ${index}`, brief)
      await store.claim(claimed)
      await store.complete(claimed, claimed.leaseId, result)
    }),
  )

  const db = await connect(path)
  await eventually(() => db.prepare('SELECT count(*) AS n FROM records').get().n === 1)
  await eventually(async () => (await store.stats()).bytes! < 4_000_000)
  await store.close()
  db.close()
  expect(statSync(path).size).toBeLessThan(4_000_000)
})

test('expired records are removed while two stores write without a pause', async () => {
  const path = join(temporaryFolder(), 'hookonce.db')
  const before = open(path, { purgeIntervalMs: 0 })
  await Promise.all(Array.from({ length: 20_000 }, (_, index) => before.claim(request(`old ${index}`, brief))))
  await before.close()
  const db = await connect(path)
  // One purge or two of each have to get through the load of both.
  const stores = [1, 2].map(() => open(path, { purgeIntervalMs: 4_000 }))
  let goesOn = true
  const load = stores.flatMap((store, at) =>
    Array.from({ length: 16 }, async (_, lane) => {
      for (let n = 0; goesOn; n++) {
        const claimed = request(`${at} ${lane} ${n}`)
        await store.claim(claimed)
        await store.complete(claimed, claimed.leaseId, Buffer.from('done'))
      }
    }),
  )
  onCleanup(() => {
    goesOn = false
    return Promise.all(load)
  })
  const old = db.prepare("SELECT count(*) AS n FROM records WHERE key LIKE 'old %'")
  await eventually(() => old.get()!.n === 0)
}, 25_000)

test('tokens rise over purge and over a clock that stepped back', async () => {
  const path = join(temporaryFolder(), 'hookonce.db')
  const store = open(path)
  await store.claim(request('purged', brief))
  await store.claim(request('replaced', brief))
  const ahead = (Date.now() + 86_400_000) * 1000
  const db = await connect(path)
  // As if the clock had been a day ahead when the tokens were issued.
  db.prepare('UPDATE records SET fencing_token = ?').run(ahead)
  await eventually(async () => (await store.get(request('replaced'))) === undefined)

  expect(await store.claim(request('replaced'))).toMatchObject({ fencingToken: String(ahead + 1) })
  expect(await store.purge(1)).toBe(1)
  expect(await store.claim(request('purged'))).toMatchObject({ fencingToken: String(ahead + 1) })
  expect(await store.delete(request('purged'), { force: true })).toBe('deleted')
  expect(await store.claim(request('purged'))).toMatchObject({ fencingToken: String(ahead + 2) })
})

test('a list of rare records among many is complete, newest first', async () => {
  const store = open(join(temporaryFolder(), 'hookonce.db'))
  const rare = ['rare 1', 'rare 2', 'rare 3']
  await store.claim(request(rare[0]!, { scope: 'rare' }))
  await Promise.all(Array.from({ length: 3000 }, (_, index) => store.claim(request(`key ${index}`))))
  await store.claim(request(rare[1]!, { scope: 'rare' }))
  await store.claim(request(rare[2]!, { scope: 'rare' }))

  const first = await store.list({ scope: 'rare', limit: 2 })
  expect(first.records.map(({ key }) => key)).toEqual(['rare 3', 'rare 2'])
  const rest = await listed(store, { scope: 'rare', limit: 2, after: first.next! })
  expect(rest).toMatchObject([{ key: 'rare 1' }])
  expect(await store.stats()).toMatchObject({ records: 3003 })
})
