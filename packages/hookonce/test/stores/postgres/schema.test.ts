import { spawn } from 'node:child_process'
import { ConfigurationError } from 'hookonce'
import {
  type PostgresStoreOptions,
  postgresMigrations,
  postgresStore,
  postgresStoreDefaults,
} from 'hookonce/stores/postgres'
import type { Pool, PoolClient } from 'pg'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../../../scripts/test-servers/postgres.js'
import { TOOL_TIMEOUT_MS } from '../../../../../scripts/test-tools/index.js'
import {
  accept,
  acquire,
  dueRequest,
  isReady as isReadyNow,
  newId,
  newLeaseId,
  openPool,
  requestOf,
  until,
} from './support.js'

let server: PostgresServer
let admin: Pool
const ends: (() => unknown)[] = []

beforeAll(async () => {
  server = await startPostgres()
  admin = openPool(server.url)
}, TOOL_TIMEOUT_MS)
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})
afterAll(async () => {
  await admin?.end()
  await server?.stop()
})

function open(options: PostgresStoreOptions = {}, url = server.url) {
  const store = postgresStore(url, { purgeIntervalMs: 0, ...options })
  ends.push(() => store.close())
  return store
}

test('the defaults are as documented', () => {
  expect(postgresStoreDefaults).toEqual({
    schema: 'hookonce',
    listen: true,
    timeoutMs: 1500,
    transactionTimeoutMs: 30_000,
    purgeIntervalMs: 60_000,
    namedStatements: true,
    migrate: true,
    poolSize: 10,
  })
})

test('an undefined option counts as absent', async () => {
  const id = newId()
  await acquire(open({ schema: undefined } as object), id)
  expect(await open().get(id)).toMatchObject({ state: 'running' })
})

test.each([
  { schema: 'Mine' },
  { schema: 'a"b' },
  { schema: '' },
  { schema: 'x'.repeat(51) },
  { timeoutMs: 0 },
  { timeoutMs: Number.NaN },
  { transactionTimeoutMs: 0.5 },
  { purgeIntervalMs: -1 },
  { poolSize: 3 },
])('an option that cannot work is refused: %o', options => {
  expect(() => postgresStore(server.url, options)).toThrow(ConfigurationError)
  expect(() => postgresStore(server.url, options)).toThrow(Object.keys(options)[0]!)
})

test('a pool that is too small is refused', async () => {
  const pool = openPool(server.url, { max: 3 })
  expect(() => postgresStore(pool)).toThrow('the pool needs 4 connections or more, it has 3')
  await postgresStore(pool, { listen: false }).close()
  await pool.end()
})

test('stores of two schemas on one pool share no records', async () => {
  const pool = openPool(server.url)
  const [one, two] = ['one', 'two'].map(schema => postgresStore(pool, { schema, purgeIntervalMs: 0 }))
  const id = newId()
  await acquire(one!, id)
  await acquire(two!, id)
  await one!.close()
  expect(await two!.get(id)).toMatchObject({ attempts: 1 })
  await two!.close()
  await pool.end()
})

test('processes that start at the same time migrate once', async () => {
  const script = `
    import { postgresStore } from 'hookonce/stores/postgres'
    const store = postgresStore(process.argv[1], { schema: 'raced', timeoutMs: 20_000 })
    const id = { scope: 's', key: 'key' }
    const durations = { leaseMs: 60_000, lockTtlMs: 60_000, retentionMs: 60_000 }
    const claim = await store.claim({ ...id, fingerprint: null, leaseId: String(process.pid), ...durations, maxLosses: 1 })
    await store.close()
    console.log(claim.status)`
  const outputs = await Promise.all(
    Array.from({ length: 4 }, () => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script, server.url], {
        cwd: import.meta.dirname,
      })
      let output = ''
      for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (output += chunk))
      return new Promise<string>(resolve => child.once('close', () => resolve(output.trim())))
    }),
  )
  expect(outputs.sort()).toEqual(['acquired', 'running', 'running', 'running'])
})

test('a schema that a newer version migrated is used if nothing was removed from it', async () => {
  await open({ schema: 'later' }).ready()
  await admin.query('UPDATE later.meta SET version = 1000')
  const store = open({ schema: 'later' })
  await acquire(store, newId())
  expect((await admin.query('SELECT version FROM later.meta')).rows).toEqual([{ version: 1000 }])
})

test('a schema that needs a newer version is refused and not changed', async () => {
  await open({ schema: 'newer' }).ready()
  await admin.query('UPDATE newer.meta SET version = 1000, least_version = 1000')
  const store = open({ schema: 'newer' })
  await expect(store.ready()).rejects.toThrow(ConfigurationError)
  await expect(store.ready()).rejects.toThrow('version 1000')
  const refused = expect.objectContaining({ code: 'ERR_STORE', effect: 'refused' })
  await expect(store.claim(requestOf(newId(), newLeaseId()))).rejects.toEqual(refused)
})

test('a server older than 13 is refused', async () => {
  const pool = openPool(server.url)
  const old = Object.assign(Object.create(pool) as Pool, {
    connect(callback: (error: Error | undefined, client: PoolClient | undefined, done: () => void) => void) {
      pool.connect((error, client, done) => {
        const query = async (config: { text: string }) =>
          config.text.includes('server_version_num') ? { rows: [[120_022, true, true]] } : client!.query(config)
        callback(error, Object.assign(Object.create(client!), { query, release: done }), done)
      })
    },
  })
  const store = postgresStore(old, { schema: 'old' })
  await expect(store.ready()).rejects.toThrow('Postgres 13 or newer is needed, this is 120022')
  await store.close()
  await pool.end()
})

test('migrations run by hand are all that is needed, with few privileges', async () => {
  await admin.query('CREATE ROLE few LOGIN; CREATE SCHEMA byhand')
  const url = server.url.replace('postgres@', 'few@')
  const store = open({ schema: 'byhand', migrate: false }, url)
  await admin.query('GRANT USAGE ON SCHEMA byhand TO few')
  await expect(store.ready()).rejects.toThrow('postgresMigrations')
  for (const migration of postgresMigrations('byhand')) await admin.query(migration)
  await admin.query('GRANT SELECT, INSERT, UPDATE, DELETE ON byhand.records, byhand.journal TO few')
  await admin.query('GRANT SELECT, UPDATE ON byhand.meta TO few; GRANT USAGE ON SEQUENCE byhand.record_ids TO few')

  await store.ready()
  const id = newId()
  const leaseId = await acquire(store, id)
  expect(await store.renew(id, leaseId, 1000)).toBe('renewed')
  expect(await store.transact(id, leaseId, async () => Buffer.from('done'))).toMatchObject({ status: 'completed' })
  expect(await store.list({ limit: 10 })).toMatchObject({ records: [{ key: id.key }] })
  expect(await store.stats()).toMatchObject({ records: 1 })
  const journal = store.journal!
  await journal.write([{ list: 'list', id: 'id', keepMs: 1000, value: Buffer.from('kept') }])
  expect(await journal.remove('list', 'id')).toBe(true)
  expect(await journal.trim('list', 0)).toBe(0)
  expect(await store.delete(id)).toBe('deleted')
  await accept(store, id, { group: 'g' })
  await accept(store, newId(), { group: 'g' })
  const [claim] = await store.claimDue(dueRequest({ leaseId: 'a worker' }))
  expect(claim).toMatchObject(id)
  await store.complete(id, 'a worker', Buffer.from('done'))
  expect(await store.redrive(id, { completed: true })).toBe('redriven')
  expect(await store.delete(id)).toBe('deleted')
  await acquire(store, id)
  await admin.query(
    'UPDATE byhand.records SET expires_at = 0, claimed_at = 0, retention_ms = 0, fencing_token = 1 WHERE key = $1',
    [id.key],
  )
  expect(await store.purge(10)).toBe(1)
})

test('a schema of the first version is migrated: its records stay, and purge and the inbox work on them', async () => {
  const [first] = postgresMigrations('first')
  await admin.query('CREATE SCHEMA first')
  await admin.query(first!)
  const [done, running, old] = [newId(), newId(), newId()]
  await admin.query(
    `INSERT INTO first.records (scope, key, state, attempts, losses, lease_id, fencing_token, created_at, claimed_at,
       lease_ends_at, settled_at, expires_at, lock_ttl_ms, retention_ms, result)
     SELECT 's', key, state, 1, 0, 'a', 1, at, at, at + 60000, settled, expires, 60000, 60000, result::bytea
     FROM first.now_ms() AS at, LATERAL (VALUES
       ($1, 'completed', at, at + 60000, 'done'), ($2, 'running', NULL, at + 120000, NULL),
       ($3, 'completed', 0, 1, 'old')
     ) AS r (key, state, settled, expires, result)`,
    [done.key, running.key, old.key],
  )
  await admin.query('UPDATE first.records SET claimed_at = 0, retention_ms = 0 WHERE key = $1', [old.key])

  const store = open({ schema: 'first' })
  expect(await store.get(done)).toMatchObject({ state: 'completed', result: Buffer.from('done'), attempts: 1 })
  expect(await store.get(done)).not.toHaveProperty('accepted')
  expect(await store.complete(running, 'a', Buffer.from('late'))).toMatchObject({ status: 'completed' })
  expect(await store.purge(10)).toBe(1)
  const id = await accept(store, newId())
  expect(await store.list({ accepted: true, limit: 10 })).toMatchObject({ records: [id] })
  expect(await store.claimDue(dueRequest())).toMatchObject([id])
})

/** A claim as versions before the labels make it. */
const EARLIER_CLAIM = `
  INSERT INTO earlier.records (scope, key, state, attempts, losses, lease_id, fencing_token, created_at, claimed_at,
    lease_ends_at, expires_at, lock_ttl_ms, retention_ms)
  SELECT 's', $1, 'running', 1, 0, 'a', 1, at, at, at + 60000, at + 120000, 60000, 60000 FROM earlier.now_ms() AS at`

/** The schema as versions before the labels left it. */
async function earlierSchema(version = 2): Promise<void> {
  await admin.query('DROP SCHEMA IF EXISTS earlier CASCADE; CREATE SCHEMA earlier')
  for (const migration of postgresMigrations('earlier').slice(0, version)) await admin.query(migration)
}

async function isIndexed(name = 'records_by_label'): Promise<boolean> {
  const { rows } = await admin.query('SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1)', [
    `earlier.${name}`,
  ])
  return rows[0]?.indisvalid === true
}

test('a process of an earlier version keeps working after the migration to labels', async () => {
  await earlierSchema()
  const store = open({ schema: 'earlier' })
  await store.ready()
  expect(await isIndexed()).toBe(true)
  const [id, labelled] = [newId(), newId()]
  await admin.query(EARLIER_CLAIM, [id.key])
  await acquire(store, labelled, { label: 'event' })
  expect(await store.get(id)).toMatchObject({ state: 'running', label: null })
  expect(await store.list({ label: 'event', limit: 10 })).toMatchObject({ records: [labelled] })
})

test('a migration that waits for a lock does not block others for long', async () => {
  await earlierSchema()
  const reader = await admin.connect()
  await reader.query('BEGIN; SELECT count(*) FROM earlier.records')
  const store = open({ schema: 'earlier', timeoutMs: 200 })
  let isReady = false
  const ready = until('the migration', async () => {
    isReady = await isReadyNow(store)
    return isReady
  })
  for (let claims = 0; claims < 20; claims++) await admin.query(EARLIER_CLAIM, [newId().key])
  expect(isReady).toBe(false)
  await reader.query('COMMIT')
  reader.release()
  await ready
})

test.each([
  ['labels', 'records_by_label', 3],
  ['dead records', 'records_dead', 7],
])('the index of %s is built on a large table without blocking writes', async (_, name, version) => {
  await earlierSchema(version)
  await admin.query(
    `INSERT INTO earlier.records (scope, key, state, attempts, losses, lease_id, fencing_token, created_at, claimed_at,
       lease_ends_at, expires_at, lock_ttl_ms, retention_ms, last_error)
     SELECT 'many', n::text, 'failed', 1, 0, 'a', 1, 0, 0, 0, 8640000000000000, 0, 0, repeat('x', 1700)
     FROM generate_series(1, 25000) AS n`,
  )
  // As one that was begun and not finished leaves it.
  await admin.query(`CREATE INDEX ${name} ON earlier.records (label)`)
  await admin.query('UPDATE pg_index SET indisvalid = false WHERE indexrelid = $1::regclass', [`earlier.${name}`])
  const writer = await admin.connect()
  await writer.query('BEGIN')
  await writer.query(EARLIER_CLAIM, [newId().key])
  const store = open({ schema: 'earlier', timeoutMs: 30_000 })
  const ready = store.ready()
  await until('the index to be waited for', async () => {
    const { rows } = await admin.query(
      "SELECT FROM pg_stat_activity WHERE query ~ 'CONCURRENTLY' AND wait_event = 'virtualxid'",
    )
    return rows.length > 0
  })
  for (let claims = 0; claims < 20; claims++) await admin.query(EARLIER_CLAIM, [newId().key])
  expect(await isIndexed(name)).toBe(false)
  await writer.query('COMMIT')
  writer.release()
  await ready
  expect(await isIndexed(name)).toBe(true)
})

test('an unknown host is refused at the first operation', async () => {
  const store = postgresStore('postgres://nobody@127.0.0.1:1/nowhere', { timeoutMs: 200, purgeIntervalMs: 0 })
  await expect(store.ready()).rejects.toMatchObject({ code: 'ERR_STORE', effect: 'refused' })
  await store.close()
})
