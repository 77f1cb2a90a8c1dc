import { expect, test } from 'vitest'
import { listed } from '../../support/listed.js'
import { admin, open } from './server.js'
import { acquire, newId, newLeaseId, requestOf, until } from './support.js'

/** Adds records that completed so long ago, with tokens of that time. */
async function addCompleted(
  count: number,
  { agoMs, retentionMs = 3_600_000, scope = 'old' }: { agoMs: number; retentionMs?: number; scope?: string },
) {
  await admin.query(
    `INSERT INTO hookonce.records (scope, key, state, attempts, losses, lease_id, fencing_token, created_at, claimed_at,
       lease_ends_at, settled_at, expires_at, lock_ttl_ms, retention_ms, result)
     SELECT $4, 'key ' || n, 'completed', 1, 0, 'a', (hookonce.now_ms() - $2::bigint) * 1000 + n, t, t, t, t, t + $3::bigint, 1000, $3::bigint, 'x'
     FROM generate_series(1, $1::int) AS n, (SELECT hookonce.now_ms() - $2::bigint AS t) AS c`,
    [count, agoMs, retentionMs, scope],
  )
}

async function one(query: string, values: unknown[] = []): Promise<Record<string, unknown>> {
  return (await admin.query(query, values)).rows[0]
}

test('concurrent purges remove each expired record once, and no other', async () => {
  const stores = await Promise.all([1, 2, 3, 4].map(() => open()))
  await addCompleted(6000, { agoMs: 7_200_000 })
  await addCompleted(100, { agoMs: 1000, scope: 'new' })
  const removed = await Promise.all(stores.map(store => store.purge(10_000)))
  expect(removed.reduce((sum, count) => sum + count)).toBe(6000)
  expect(await stores[0]!.stats()).toMatchObject({ records: 100 })
})

test('a purge removes no key that is being claimed', async () => {
  const store = await open()
  await addCompleted(2000, { agoMs: 7_200_000 })
  const claims = Promise.all(
    Array.from({ length: 2000 }, (_, i) => store.claim(requestOf({ scope: 'old', key: `key ${i + 1}` }, newLeaseId()))),
  )
  await Promise.all([1, 2, 3].map(() => store.purge(10_000)))
  for (const claim of await claims) expect(claim).toMatchObject({ status: 'acquired', attempt: 1 })
  expect(await store.stats()).toMatchObject({ records: 2000 })
})

test('the background purges', async () => {
  await open()
  await addCompleted(10, { agoMs: 7_200_000 })
  await open({ purgeIntervalMs: 20 })
  await until(
    'the purge',
    async () => (await one("SELECT count(*)::int FROM hookonce.records WHERE scope = 'old'")).count === 0,
  )
})

test('a purged key gets a larger token, even if the clock was ahead before', async () => {
  const store = await open()
  const id = newId()
  const leaseId = await acquire(store, id, { retentionMs: 1 })
  await store.complete(id, leaseId, Buffer.from('done'))
  const setToken = (ms: number) =>
    one(
      'UPDATE hookonce.records SET fencing_token = hookonce.now_us() + $2::bigint WHERE key = $1 RETURNING fencing_token',
      [id.key, ms * 1000],
    )

  // Ahead of the clock, as after a clock was set back: purge leaves the row, so the token is known.
  await setToken(3_600_000)
  expect(await store.purge(10)).toBe(0)
  const { fencing_token: token } = await setToken(-60_000)
  expect(await store.purge(10)).toBe(1)
  expect(await one('SELECT token_floor FROM hookonce.meta')).toEqual({ token_floor: token })

  // What was removed was above what the clock says now.
  const { token_floor: floor } = await one(
    'UPDATE hookonce.meta SET token_floor = hookonce.now_us() + 3600000000 RETURNING token_floor',
  )
  const claim = await store.claim(requestOf(id, newLeaseId()))
  expect(claim).toMatchObject({ attempt: 1, fencingToken: String(BigInt(floor as string) + 1n) })
})

test('a deleted record is erased at once and removed by a purge', async () => {
  const store = await open()
  const id = newId()
  const leaseId = await acquire(store, id, { fingerprint: 'f' })
  await store.complete(id, leaseId, Buffer.from('secret'))
  await store.delete(id)
  const row = () => one('SELECT result, fingerprint, last_error FROM hookonce.records WHERE key = $1', [id.key])
  expect(await row()).toEqual({ result: null, fingerprint: null, last_error: null })
  await admin.query('UPDATE hookonce.records SET fencing_token = 1 WHERE key = $1', [id.key])
  expect(await store.purge(10)).toBe(1)
  expect(await row()).toBeUndefined()
})

test('a list is newest first, across steps, and finds rare records', async () => {
  const store = await open()
  const first = newId()
  await store.fail(first, await acquire(store, first), 'it broke')
  await addCompleted(12_000, { agoMs: 1000, scope: 'many' })
  const last = newId()
  await acquire(store, last)

  expect((await store.list({ limit: 2 })).records.map(record => record.key)).toEqual([last.key, 'key 12000'])
  expect(await listed(store, { limit: 10, state: 'failed' })).toMatchObject([first])
  expect(await listed(store, { scope: 'many' })).toHaveLength(12_000)
})

test('a list whose page ends on the oldest record goes on from there', async () => {
  const store = await open()
  // One page looks at 40,000 records at most.
  await addCompleted(39_999, { agoMs: 1000 })
  const { records, next } = await store.list({ limit: 10, state: 'failed' })
  expect(records).toEqual([])
  expect(await listed(store, { limit: 10, state: 'failed', after: next! })).toEqual([])
})

test('statistics count few records and estimate many', async () => {
  const store = await open()
  expect(await store.stats()).toMatchObject({ records: 0 })
  await acquire(store, newId())
  expect(await store.stats()).toMatchObject({ records: 1 })
  await addCompleted(40_000, { agoMs: 1000 })
  await admin.query('ANALYZE hookonce.records')
  const { records, bytes } = await store.stats()
  expect(records).toBeGreaterThan(36_000)
  expect(records).toBeLessThan(44_000)
  expect(bytes).toBeGreaterThan(8 * 1024 * 1024)
})

/** A connection that ends has told all of its statistics. */
async function statisticsAfter(store: Awaited<ReturnType<typeof open>>, updates: number) {
  await store.close()
  const query =
    "SELECT seq_scan::int AS scans, n_tup_upd::int AS updates, n_tup_hot_upd::int AS hot FROM pg_stat_user_tables WHERE relname = 'records'"
  const read = () => one(query) as Promise<{ scans: number; updates: number; hot: number }>
  await until('the statistics', async () => (await read()).updates === updates)
  return read()
}

test('a completion touches no index', async () => {
  const store = await open()
  for (let i = 0; i < 50; i++) {
    const id = newId()
    await store.complete(id, await acquire(store, id), Buffer.from('done'))
  }
  expect((await statisticsAfter(store, 50)).hot).toBeGreaterThan(45)
})

test('a plan made on a new schema does not scan a whole index', async () => {
  await (await open()).close()
  const query = `SELECT n_tup_del::int AS deleted, (
      SELECT idx_tup_read::int FROM pg_stat_user_indexes WHERE indexrelname = 'records_pkey'
    ) AS read FROM pg_stat_user_tables WHERE relname = 'records'`
  let before = await one(query)
  // The migrations take their ballast away again.
  await until('the statistics', async () => {
    before = await one(query)
    return Number(before.deleted) > 17_000
  })
  const store = await open({ poolSize: 4 })
  for (let i = 0; i < 500; i++) {
    const id = newId()
    await store.complete(id, await acquire(store, id), Buffer.from('done'))
  }
  await statisticsAfter(store, 500)
  // Two or three of each pair; a plan that reads the index would have read 250 of it each time.
  expect(Number((await one(query)).read) - Number(before.read)).toBeLessThan(5000)
})

test('a plan made on a nearly empty table looks keys up in the index', async () => {
  const first = await open()
  const id = newId()
  await first.renew(id, await acquire(first, id), 1000)
  const before = await statisticsAfter(first, 1)
  await admin.query('VACUUM ANALYZE hookonce.records')

  const store = await open()
  for (let i = 0; i < 20; i++) {
    const id = newId()
    const leaseId = await acquire(store, id)
    await store.renew(id, leaseId, 1000)
    await store.get(id)
    await store.complete(id, leaseId, Buffer.from('done'))
  }
  expect((await statisticsAfter(store, 41)).scans).toBe(before.scans)
})
