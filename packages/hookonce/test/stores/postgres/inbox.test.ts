import type { InboxStore, RecordId } from 'hookonce'
import { postgresStore } from 'hookonce/stores/postgres'
import { expect, test } from 'vitest'
import { listed } from '../../support/listed.js'
import { admin, ends, open, server } from './server.js'
import { accept, acquire, dueRequest, newId, newLeaseId, until, writing } from './support.js'

const keysOf = (ids: RecordId[]) => ids.map(({ key }) => key)

/** Adds pending records that have been due for so long, all since one moment. */
async function addPending(count: number, { agoMs = 7_200_000, group = null as string | null } = {}) {
  await admin.query(
    `INSERT INTO hookonce.records (scope, key, state, attempts, losses, lease_id, fencing_token, created_at, claimed_at,
       lease_ends_at, expires_at, lock_ttl_ms, retention_ms, due_at, grp, blocked, round, delivery)
     SELECT 's', 'pending ' || coalesce($3, '') || n, 'pending', 0, 0, 'a', 1, t, t, t, 8640000000000000, 0, 1000, t, $3,
       $3 IS NOT NULL AND n > 1, 1, 'x'
     FROM generate_series(1, $1::int) AS n, (SELECT hookonce.now_ms() - $2::bigint AS t) AS c`,
    [count, agoMs, group],
  )
}

async function one(query: string, values: unknown[] = []): Promise<Record<string, unknown>> {
  return (await admin.query(query, values)).rows[0]
}

/** How many records of a group have the turn, and which unfinished one is the first. */
const turnOf = (group: string) =>
  one(
    `SELECT count(*) FILTER (WHERE NOT blocked)::int AS turns, count(*)::int AS unfinished
     FROM hookonce.records WHERE grp = $1 AND due_at IS NOT NULL`,
    [group],
  )

test('acceptances of a group race with the ends of its attempts, and no record stays blocked', async () => {
  const stores = await Promise.all([1, 2, 3].map(() => open()))
  for (let round = 0; round < 12; round++) {
    const group = `group ${round}`
    let left = 12
    const accepting = stores.map(async store => {
      for (let n = 0; n < 4; n++) await accept(store, newId(), { group })
    })
    const working = stores.map(async store => {
      while (left > 0) {
        const leaseId = newLeaseId()
        const claims = await store.claimDue(dueRequest({ leaseId }))
        expect(claims.length).toBeLessThanOrEqual(1)
        for (const claim of claims) {
          left--
          if (left % 3 === 0) await store.fail(claim, leaseId, 'it broke', 'dead')
          else await store.complete(claim, leaseId, Buffer.from('done'))
        }
      }
    })
    await Promise.all([...accepting, ...working])
    expect(await turnOf(group)).toEqual({ turns: 0, unfinished: 0 })
  }
}, 60_000)

test('an attempt that ends while an acceptance of its group is uncommitted unblocks that record', async () => {
  const store = await open()
  const head = await accept(store, newId(), { group: 'g' })
  const leaseId = newLeaseId()
  await store.claimDue(dueRequest({ leaseId }))
  const other = await admin.connect()
  ends.push(() => other.release(true))
  await other.query('BEGIN')
  await other.query(
    `INSERT INTO hookonce.records (scope, key, state, attempts, losses, lease_id, fencing_token, created_at, claimed_at,
       lease_ends_at, expires_at, lock_ttl_ms, retention_ms, due_at, grp, blocked, round, delivery)
     VALUES ('s', 'next', 'pending', 0, 0, 'a', 1, 1, 1, 1, 8640000000000000, 0, 1000, 1, 'g', true, 1, 'x')`,
  )
  await other.query("SELECT hookonce.give_turn('s', 'g')")
  const completed = store.complete(head, leaseId, Buffer.from('done'))
  const waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
  await until('it to wait for that', async () => (await admin.query(waiting)).rowCount === 1)
  await other.query('COMMIT')
  expect(await completed).toMatchObject({ status: 'completed' })
  expect(keysOf(await store.claimDue(dueRequest()))).toEqual(['next'])
})

test('records of a group are claimed in the order of their ids, however long an acceptance takes', async () => {
  const [slow, quick] = await Promise.all([open(), open()])
  const other = await admin.connect()
  ends.push(() => other.release(true))
  await other.query('BEGIN')
  await other.query(
    `INSERT INTO hookonce.records (scope, key, state, attempts, losses, lease_id, fencing_token, created_at, claimed_at,
       lease_ends_at, expires_at, lock_ttl_ms, retention_ms)
     VALUES ('s', 'b', 'failed', 0, 0, 'a', 1, 1, 1, 1, 1, 0, 0)`,
  )
  const taken: string[] = []
  async function takeAll() {
    for (;;) {
      const leaseId = newLeaseId()
      const claims = await quick.claimDue(dueRequest({ leaseId }))
      if (claims.length === 0) return
      for (const claim of claims) {
        taken.push(claim.key)
        await quick.complete(claim, leaseId, Buffer.from('done'))
      }
    }
  }
  // One statement, which adds the one key and then waits for the other.
  const early = ['a', 'b'].map(key => accept(slow, { scope: 's', key }, { group: 'g' }))
  const waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted"
  await until('it to wait', async () => (await admin.query(waiting)).rowCount === 1)
  let isAccepted = false
  const late = accept(quick, { scope: 's', key: 'c' }, { group: 'g' }).then(() => (isAccepted = true))
  const queued = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
  await until('the other', async () => isAccepted || (await admin.query(queued)).rowCount === 1)
  await takeAll()
  await other.query('ROLLBACK')
  await Promise.all([...early, late])
  await takeAll()
  const { rows } = await admin.query("SELECT key FROM hookonce.records WHERE grp = 'g' ORDER BY id")
  expect(taken).toEqual(keysOf(rows))
})

test('deletions and redrives unblock the next record, and a redriven record waits for a running one', async () => {
  const store = await open()
  const [one, two, three] = [newId(), newId(), newId()]
  for (const id of [one, two, three]) await accept(store, id, { group: 'g' })
  const take = async () => {
    const leaseId = newLeaseId()
    return { leaseId, keys: keysOf(await store.claimDue(dueRequest({ leaseId }))) }
  }
  const first = await take()
  expect(first.keys).toEqual([one.key])
  await store.fail(one, first.leaseId, 'it broke', 'dead')
  const second = await take()
  expect(second.keys).toEqual([two.key])
  expect(await store.redrive(one)).toBe('redriven')
  expect((await take()).keys).toEqual([])
  await store.fail(two, second.leaseId, 'it broke')
  const third = await take()
  expect(third.keys).toEqual([one.key])
  expect(await store.delete(one, { force: true })).toBe('deleted')
  expect((await take()).keys).toEqual([two.key])
  await store.delete(two, { force: true })
  expect((await take()).keys).toEqual([three.key])
})

test('a record that dies of lost attempts unblocks the next', async () => {
  const store = await open()
  const [one, two] = [newId(), newId()]
  for (const id of [one, two]) await accept(store, id, { group: 'g' })
  const first = dueRequest()
  expect(keysOf(await store.claimDue(first))).toEqual([one.key])
  expect(await store.renew(one, first.leaseId, 1)).toBe('renewed')
  const taken: string[] = []
  await until('the next', async () => {
    taken.push(...keysOf(await store.claimDue(dueRequest({ maxLosses: 1 }))))
    return taken.length > 0
  })
  expect(taken).toEqual([two.key])
  expect(await store.get(one)).toMatchObject({ state: 'dead', losses: 1 })
})

test('a completion in a transaction removes the record from the queue and unblocks the next, along with its effect', async () => {
  const store = await open()
  await admin.query('CREATE TABLE IF NOT EXISTS effects (key text NOT NULL, attempt text NOT NULL)')
  const [one, two] = [newId(), newId()]
  for (const id of [one, two]) await accept(store, id, { group: 'g' })
  const leaseId = newLeaseId()
  await store.claimDue(dueRequest({ leaseId }))
  expect(await store.transact(one, leaseId, writing(one))).toMatchObject({ status: 'completed' })
  expect(await store.get(one)).toMatchObject({ state: 'completed', accepted: { dueAt: null } })
  expect(keysOf(await store.claimDue(dueRequest()))).toEqual([two.key])
})

test('groups are refused at the isolation level repeatable read', async () => {
  await admin.query(
    "CREATE ROLE repeating LOGIN SUPERUSER; ALTER ROLE repeating SET default_transaction_isolation = 'repeatable read'",
  )
  const store = await open({}, server.url.replace('postgres@', 'repeating@'))
  await expect(accept(store, newId(), { group: 'g' })).rejects.toThrow('read committed')
  await accept(store, newId())
})

test('a purge reads no pending records', async () => {
  const store = await open()
  await addPending(20_000)
  const id = newId()
  const leaseId = await acquire(store, id, { retentionMs: 1 })
  await store.complete(id, leaseId, Buffer.from('done'))
  await admin.query(
    'UPDATE hookonce.records SET claimed_at = 0, expires_at = 1, fencing_token = 1 WHERE key = $1; ANALYZE hookonce.records'.replace(
      '$1',
      `'${id.key}'`,
    ),
  )
  const read = () =>
    one("SELECT idx_tup_read::int AS read FROM pg_stat_user_indexes WHERE indexrelname = 'records_due'")
  expect(await store.purge(100)).toBe(1)
  await store.close()
  await until('the statistics', async () => Number((await read()).read) > 0)
  expect((await read()).read).toBeLessThan(10)
})

test('due records are found by the index, however many are pending or blocked', async () => {
  const first = await open()
  // Plans that a connection makes while the table is all but empty are kept.
  for (let i = 0; i < 10; i++) await accept(first, newId(), { group: `g${i % 2}` })
  for (let i = 0; i < 10; i++) {
    const leaseId = newLeaseId()
    for (const claim of await first.claimDue(dueRequest({ leaseId })))
      await first.complete(claim, leaseId, Buffer.from(''))
  }
  const scans = async () =>
    one(
      `SELECT seq_scan::int AS table_scans, (SELECT sum(idx_tup_read)::int FROM pg_stat_user_indexes WHERE schemaname = 'hookonce') AS read
       FROM pg_stat_user_tables WHERE schemaname = 'hookonce' AND relname = 'records'`,
    )
  await addPending(20_000)
  await addPending(20_000, { group: 'long' })
  const plan = await first.claimDue(dueRequest({ limit: 10 }))
  expect(plan).toHaveLength(10)
  await first.close()
  await until('the statistics', async () => Number((await scans()).read) > 0)
  const before = await scans()

  const store = await open()
  for (let i = 0; i < 20; i++) {
    const leaseId = newLeaseId()
    const claims = await store.claimDue(dueRequest({ leaseId, limit: 10 }))
    expect(claims).toHaveLength(10)
    await Promise.all(claims.map(claim => store.complete(claim, leaseId, Buffer.from('done'))))
  }
  await store.close()
  let after = before
  await until('the statistics', async () => {
    after = await scans()
    return Number(after.read) > Number(before.read)
  })
  expect(after.table_scans).toBe(before.table_scans)
  // 200 records were taken and completed.
  expect(Number(after.read) - Number(before.read)).toBeLessThan(20_000)
})

test('a list of accepted records takes several steps, and finds rare records among many', async () => {
  const store = await open()
  const first = await accept(store, newId(), { group: 'mine' })
  await addPending(12_000, { agoMs: 1000 })
  await addPending(1, { agoMs: 7_200_000, group: 'old' })
  const [claim] = await store.claimDue(dueRequest({ limit: 1 }))
  expect(claim).toMatchObject({ key: 'pending old1' })
  const running = await listed(store, { accepted: true, state: 'running', limit: 10 })
  expect(running).toMatchObject([{ key: 'pending old1' }])
  expect((await store.list({ accepted: true, limit: 1 })).records).toMatchObject([first])
  const { createdAt } = (await store.get(first))!
  expect((await store.list({ accepted: true, since: createdAt, limit: 10 })).records).toMatchObject([first])
  expect(await listed(store, { scope: 's', accepted: true })).toHaveLength(12_002)
  await expect(store.list({ accepted: true, limit: 1, after: '7' })).rejects.toMatchObject({ effect: 'refused' })
})

test('a page of rare records ends after a bounded number of steps, and the next goes on from there', async () => {
  const store = await open()
  const old = await accept(store, newId())
  await admin.query('UPDATE hookonce.records SET created_at = 1 WHERE key = $1', [old.key])
  await addPending(60_000)
  const query = { accepted: true, state: 'pending', scope: 's', limit: 10 } as const
  await admin.query("UPDATE hookonce.records SET scope = 'other' WHERE key LIKE 'pending %'")
  const page = await store.list(query)
  expect(page).toEqual({ records: [], next: expect.any(String) })
  expect(await listed(store, { ...query, after: page.next! })).toMatchObject([old])
})

test('records that were only claimed are in no index of the inbox', async () => {
  const store = await open()
  for (let i = 0; i < 50; i++) {
    const id = newId()
    await store.complete(id, await acquire(store, id), Buffer.from('done'))
  }
  const sizes = await one(
    `SELECT pg_relation_size('hookonce.records_queue')::int AS queue, pg_relation_size('hookonce.records_groups')::int AS groups,
       pg_relation_size('hookonce.records_accepted')::int AS accepted, pg_relation_size('hookonce.records_dead')::int AS dead`,
  )
  // Their first page alone.
  expect(sizes).toEqual({ queue: 8192, groups: 8192, accepted: 8192, dead: 8192 })
})

const watched = (store: InboxStore, scope: string) => {
  const watch = { wakes: 0, end: () => {} }
  watch.end = store.watchDue!(scope, () => watch.wakes++)
  return watch
}

test('a watch of a scope is woken by an announcement of another process, also after its connection was lost', async () => {
  const [watcher, other] = [await open(), await open()]
  const [mine, foreign] = [watched(watcher, 'mine'), watched(watcher, 'foreign')]
  await until('the connection', () => mine.wakes === 1 && foreign.wakes === 1)
  other.announceDue!('mine')
  await until('the announcement', () => mine.wakes === 2)
  expect(foreign.wakes).toBe(1)
  await admin.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
  await until('the wake after the loss', () => mine.wakes === 3)
  mine.end()
  other.announceDue!('mine')
  other.announceDue!('foreign')
  await until('the announcement', () => foreign.wakes === 3)
  expect(mine.wakes).toBe(3)
})

test('a store that does not listen offers no announcements', async () => {
  const store = await open({ listen: false })
  expect([store.watchDue, store.announceDue]).toEqual([undefined, undefined])
})

test('an announcement of a closed store, or without a server, throws nothing', async () => {
  const store = postgresStore('postgres://nobody@127.0.0.1:1/nowhere', { timeoutMs: 100, purgeIntervalMs: 0 })
  store.announceDue!('s')
  await store.close()
  store.announceDue!('s')
})
