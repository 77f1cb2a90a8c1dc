import type { InboxStore } from 'hookonce'
import { postgresMigrations } from 'hookonce/stores/postgres'
import { expect, test } from 'vitest'
import { listed } from '../../support/listed.js'
import { admin, open } from './server.js'
import { accept, dueRequest, newId, newLeaseId, until } from './support.js'

const deadIn = async (store: InboxStore, scope = 's') => (await store.backlog(scope)).dead

async function dies(store: InboxStore) {
  const id = await accept(store, newId())
  const leaseId = newLeaseId()
  expect(await store.claimDue(dueRequest({ leaseId }))).toMatchObject([id])
  await store.fail(id, leaseId, 'it broke', 'dead')
  return id
}

/** Adds accepted records that settled now, as versions before wrote them, unless `indexed`. */
async function addSettled(state: string, count: number, { scope = 's', keptMs = 3_600_000, indexed = false } = {}) {
  await admin.query(
    `INSERT INTO hookonce.records (scope, key, state, attempts, losses, lease_id, fencing_token, created_at, claimed_at,
       lease_ends_at, settled_at, expires_at, lock_ttl_ms, retention_ms, round, delivery${indexed ? ', dead_until' : ''})
     SELECT $1, concat_ws(' ', $2::text, $4::bigint, n), $2, 1, 0, 'a', 1, t, t, t, t, t + $4::bigint, 1000, $4::bigint, 1, 'x'
       ${indexed ? ', t + $4::bigint' : ''}
     FROM generate_series(1, $3::int) AS n, (SELECT hookonce.now_ms() AS t) AS c`,
    [scope, state, count, keptMs],
  )
}

test('what died before the migration is counted after it, and so is what dies from then on', async () => {
  await admin.query('CREATE SCHEMA hookonce')
  for (const migration of postgresMigrations().slice(0, 5)) await admin.query(migration)
  await addSettled('dead', 3)
  await addSettled('dead', 5, { keptMs: 0 })
  await addSettled('dead', 1, { scope: 'other' })
  await addSettled('completed', 2)

  const store = await open()
  expect([await deadIn(store), await deadIn(store, 'other')]).toEqual([3, 1])
  await dies(store)
  expect(await deadIn(store)).toBe(4)
  expect(await store.redrive({ scope: 's', key: 'dead 3600000 1' })).toBe('redriven')
  expect(await deadIn(store)).toBe(3)
})

test('what a process of the version before redrives or deletes is not counted as dead; what dies there is listed', async () => {
  const store = await open()
  const [redriven, deleted, kept] = [await dies(store), await dies(store), await dies(store)]
  expect(await deadIn(store)).toBe(3)
  await admin.query(
    `UPDATE hookonce.records SET state = 'pending', expires_at = 8640000000000000, due_at = hookonce.now_ms(), round = round + 1
     WHERE key = $1`,
    [redriven.key],
  )
  expect(await deadIn(store)).toBe(2)
  await admin.query('UPDATE hookonce.records SET expires_at = 0, retention_ms = 0, delivery = NULL WHERE key = $1', [
    deleted.key,
  ])
  expect(await deadIn(store)).toBe(1)
  await addSettled('dead', 1)
  expect(await deadIn(store)).toBe(1)
  const dead = await listed(store, { accepted: true, state: 'dead', limit: 10 })
  expect(dead.map(({ key }) => key).sort()).toEqual(['dead 3600000 1', kept.key])
})

test('a record that is claimed or accepted anew where a dead one expired is in the index of dead ones no more', async () => {
  const store = await open()
  const ids = [await dies(store), await dies(store)]
  await admin.query('UPDATE hookonce.records SET expires_at = 1, dead_until = 1 WHERE dead_until > 0')
  const [one, other] = ids
  await accept(store, one!)
  const claim = {
    ...other!,
    fingerprint: null,
    leaseId: 'a',
    leaseMs: 1000,
    lockTtlMs: 1000,
    retentionMs: 1,
    maxLosses: 1,
  }
  expect(await store.claim(claim)).toMatchObject({ status: 'acquired' })
  const { rows } = await admin.query('SELECT key FROM hookonce.records WHERE dead_until IS NOT NULL')
  expect(rows).toEqual([])
})

test('dead records are counted by their index, up to 10,000, however many records there are', async () => {
  await (await open()).close()
  const read = async () => {
    const { rows } = await admin.query(
      `SELECT seq_scan::int AS scans, (SELECT idx_tup_read::int FROM pg_stat_user_indexes WHERE indexrelname = 'records_dead') AS read
       FROM pg_stat_user_tables WHERE schemaname = 'hookonce' AND relname = 'records'`,
    )
    return rows[0] as { scans: number; read: number }
  }
  let before = await read()
  await until('the statistics of the migrations', async () => {
    before = await read()
    return before.scans > 0
  })
  const first = await open()
  // A plan that a connection makes while the table is all but empty is kept.
  for (let i = 0; i < 10; i++) await deadIn(first)
  await addSettled('completed', 40_000)
  await addSettled('dead', 12_000, { scope: 'many', indexed: true })
  await addSettled('dead', 5, { indexed: true })
  const second = await open()
  for (const store of [first, second]) {
    for (let i = 0; i < 10; i++) expect(await deadIn(store)).toBe(5)
    expect(await deadIn(store, 'many')).toBe(10_000)
    await store.close()
  }
  let after = before
  await until('the statistics', async () => {
    after = await read()
    return after.read >= before.read + 20_100
  })
  expect(after.read - before.read).toBeLessThan(21_000)
  expect(after.scans).toBe(before.scans)
})
