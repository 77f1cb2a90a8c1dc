import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Connection, connect, open, request, temporaryFolder } from './support.js'

const MIGRATIONS = new URL('../../../src/stores/sqlite/migrations/', import.meta.url)

/** A file as that version of the schema makes it. */
async function fileOfVersion(version: number, path: string): Promise<Connection> {
  const db = await connect(path)
  db.exec('PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL')
  // Of records, of which there are none yet.
  db.function('hookonce_hash', (_scope: string, _key: string) => 0)
  const migrations = readdirSync(MIGRATIONS).sort().slice(0, version)
  for (const name of migrations) db.exec(readFileSync(new URL(name, MIGRATIONS), 'utf8'))
  db.exec(`PRAGMA application_id = ${0x486f6f6b}; PRAGMA user_version = ${version}`)
  return db
}

/** One of the first version, with records. */
async function firstVersion(path: string): Promise<Connection> {
  const db = await fileOfVersion(1, path)
  const now = Date.now()
  const insert = db.prepare(
    `INSERT INTO records (id, scope, key, state, attempts, losses, lease_id, fencing_token, created_at, claimed_at,
       lease_ends_at, settled_at, expires_at, lock_ttl_ms, retention_ms, last_error, result)
     VALUES (?, 'test', ?, ?, 1, 0, ?, ?, ?, ?, ?, ?, ?, 300000, 3600000, ?, ?)`,
  )
  const row = (id: number, key: string, state: string, settledAt: number | null, error: string | null) =>
    insert.run(
      ...[id, key, state, `before.${key}`, now * 1000, now, now, now + 15_000, settledAt, now + 3_600_000, error],
      state === 'completed' ? Buffer.from('result') : null,
    )
  row(3, 'completed', 'completed', now, null)
  row(5, 'running', 'running', null, null)
  row(9, 'failed', 'failed', now, 'it broke')
  return db
}

test('records of the first version go on in this one, and can be accepted beside', async () => {
  const path = join(temporaryFolder(), 'hookonce.db')
  const db = await firstVersion(path)
  // Several at once: one of them migrates.
  const stores = Array.from({ length: 3 }, () => open(path, { busyTimeoutMs: 30_000 }))
  await Promise.all(stores.map(store => store.ready()))
  const [store, other] = stores as [(typeof stores)[0], (typeof stores)[0]]

  const replay = await store.claim(request('completed', { leaseId: 'other' }))
  expect(replay.status === 'completed' && Buffer.from(replay.result).toString()).toBe('result')
  expect(await other.claim(request('running', { leaseId: 'other' }))).toMatchObject({ status: 'running' })
  expect(await store.complete(request('running'), 'before.running', Buffer.from('late'))).toMatchObject({
    status: 'completed',
  })
  expect(await store.get(request('failed'))).toMatchObject({ state: 'failed', lastError: 'it broke' })
  expect(await store.claim(request('failed', { leaseId: 'other' }))).toMatchObject({ status: 'acquired', attempt: 2 })
  expect((await store.list({ limit: 10 })).records.map(({ key }) => key)).toEqual(['failed', 'running', 'completed'])
  expect((await store.list({ limit: 10, accepted: true })).records).toEqual([])
  expect(await store.redrive(request('completed'))).toBe('absent')

  const acceptance = { fingerprint: null, acceptId: 'a', delivery: Buffer.from('d'), retentionMs: 1, delayMs: 0 }
  expect(await store.accept({ ...request('completed'), ...acceptance, group: null })).toMatchObject({ status: 'known' })
  expect(await store.accept({ ...request('new'), ...acceptance, group: null })).toMatchObject({ status: 'accepted' })
  expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' })
})

test('what was accepted into a file of the second version goes on in this one', async () => {
  const folder = temporaryFolder()
  const newer = open(join(folder, 'newer.db'))
  for (const key of ['one', 'two']) {
    const acceptance = { fingerprint: null, acceptId: key, delivery: Buffer.from(`delivery of ${key}`), delayMs: 0 }
    await newer.accept({ scope: 'test', key, ...acceptance, retentionMs: 3_600_000, group: 'g' })
  }
  const path = join(folder, 'hookonce.db')
  const db = await fileOfVersion(2, path)
  const { columns } = db.prepare("SELECT group_concat(name) AS columns FROM pragma_table_info('records')").get()
  db.exec(`
    ATTACH '${join(folder, 'newer.db')}' AS newer;
    UPDATE meta SET hash_key = (SELECT hash_key FROM newer.meta);
    INSERT INTO records SELECT ${columns} FROM newer.records;
    INSERT INTO deliveries SELECT id, delivery FROM newer.records;
    DETACH newer`)

  const store = open(path)
  const due = { scope: 'test', limit: 10, leaseId: 'worker', leaseMs: 15_000, lockTtlMs: 300_000, maxLosses: 10 }
  for (const key of ['one', 'two']) {
    const taken = await store.claimDue(due)
    expect(taken.map(claim => [claim.key, Buffer.from(claim.delivery).toString()])).toEqual([
      [key, `delivery of ${key}`],
    ])
    await store.complete({ scope: 'test', key }, 'worker', Buffer.from('result'))
    expect(Buffer.from((await store.get({ scope: 'test', key }))!.delivery!).toString()).toBe(`delivery of ${key}`)
    expect(await store.delete({ scope: 'test', key })).toBe('deleted')
  }
  expect(db.prepare('SELECT count(*) AS n FROM deliveries').get()).toEqual({ n: 0 })
  expect(await store.stats()).toMatchObject({ records: 0 })
  expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' })
})

test('a process of an earlier version works on in a file that has labels by now', async () => {
  const path = join(temporaryFolder(), 'hookonce.db')
  const earlier = await fileOfVersion(3, path)
  const insert = earlier.prepare(
    `INSERT INTO records (hash, scope, key, state, attempts, losses, lease_id, fencing_token, created_at, claimed_at,
       lease_ends_at, expires_at, lock_ttl_ms, retention_ms)
     VALUES (1, 'test', ?, 'running', 1, 0, 'lease', 1, ?, 0, 0, ?, 300000, 3600000)`,
  )
  const read = earlier.prepare('SELECT * FROM records WHERE key = ?')
  insert.run('before', 0, Date.now() + 3_600_000)

  const store = open(path)
  await store.claim(request('labelled', { label: 'event' }))
  expect(await store.list({ label: 'event', limit: 10 })).toMatchObject({ records: [{ key: 'labelled' }] })
  insert.run('after', 0, Date.now() + 3_600_000)
  expect(read.get('labelled')).toMatchObject({ key: 'labelled', state: 'running' })
  const { records } = await store.list({ limit: 10 })
  expect(records.map(({ key, label }) => [key, label])).toEqual([
    ['after', null],
    ['labelled', 'event'],
    ['before', null],
  ])
})

const told = async (store: ReturnType<typeof open>, key: string) =>
  (await store.get(request(key)))!.history.map(({ number, process, outcome }) => `${number} ${process} ${outcome}`)

test('records of a version without histories tell of their last attempt, and of those that follow', async () => {
  const path = join(temporaryFolder(), 'hookonce.db')
  await firstVersion(path)
  const store = open(path)
  expect(await told(store, 'completed')).toEqual(['1 before recorded'])
  expect(await told(store, 'running')).toEqual(['1 before running'])
  expect(await told(store, 'failed')).toEqual(['1 before failed'])
  await store.claim(request('failed', { leaseId: 'after.1' }))
  await store.fail(request('failed'), 'after.1', { error: 'no', outcome: 503 })
  expect(await told(store, 'failed')).toEqual(['1 before failed', '2 after 503'])
})

test('a process of an earlier version works on in a file that has histories by now', async () => {
  const path = join(temporaryFolder(), 'hookonce.db')
  const earlier = await fileOfVersion(5, path)
  const claim = earlier.prepare(
    `UPDATE records SET state = 'running', attempts = attempts + 1, lease_id = 'earlier.1', settled_at = NULL
     WHERE key = 'key'`,
  )
  const fail = earlier.prepare("UPDATE records SET state = 'failed', settled_at = claimed_at WHERE key = 'key'")
  const read = earlier.prepare('SELECT * FROM records WHERE key = ?')
  const remove = earlier.prepare('DELETE FROM records WHERE key = ?')

  const store = open(path)
  await store.claim(request('key', { leaseId: 'later.1' }))
  await store.fail(request('key'), 'later.1', { error: 'no', outcome: 503 })
  claim.run()
  fail.run()
  // Not the 503 of the attempt before.
  expect(await told(store, 'key')).toEqual(['2 earlier failed'])
  await store.claim(request('key', { leaseId: 'later.2' }))
  expect(await told(store, 'key')).toEqual(['2 earlier failed', '3 later running'])

  const { id } = read.get('key')
  remove.run('key')
  await store.claim(request('other', { leaseId: 'later.3' }))
  expect(read.get('other')).toMatchObject({ id })
  expect(await told(store, 'other')).toEqual(['1 later running'])
})

test('a list by label goes through that label only', async () => {
  const path = join(temporaryFolder(), 'hookonce.db')
  await open(path).ready()
  const db = await connect(path)
  for (const name of ['list-labelled', 'scan-end-labelled']) {
    const statement = readFileSync(new URL(`../../../src/stores/sqlite/sql/${name}.sql`, import.meta.url), 'utf8')
    const plan = db.prepare(`EXPLAIN QUERY PLAN ${statement}`).all() as { detail: string }[]
    expect(plan.map(({ detail }) => detail)).toEqual([
      expect.stringMatching(/^SEARCH records USING (COVERING )?INDEX records_by_label \(label=\? AND /),
    ])
  }
})

test('two files hash with different secrets', async () => {
  const secrets = await Promise.all(
    ['one.db', 'other.db'].map(async name => {
      const path = join(temporaryFolder(), name)
      await open(path).ready()
      return (await connect(path)).prepare('SELECT hash_key FROM meta').get().hash_key
    }),
  )
  expect(secrets[0]).not.toBe(secrets[1])
})

test('keys that share a hash are kept apart', async () => {
  const path = join(temporaryFolder(), 'hookonce.db')
  const store = open(path)
  for (const key of ['one', 'two']) await store.claim(request(key))
  const db = await connect(path)
  const states = () => db.prepare('SELECT key, state FROM records ORDER BY key').all()
  // As if both keys came to the hash of "two".
  db.exec("UPDATE records SET hash = (SELECT hash FROM records WHERE key = 'two')")
  db.exec("DELETE FROM records WHERE key = 'two'")

  expect(await store.claim(request('two'))).toMatchObject({ status: 'acquired', attempt: 1 })
  expect(await store.renew(request('two'), 'lease of one', 1000)).toBe('lost')
  expect(await store.complete(request('two'), 'lease of one', Buffer.from('result'))).toEqual({ status: 'fenced' })
  expect(await store.fail(request('two'), 'lease of one', 'it broke')).toBe('fenced')
  expect(await store.complete(request('two'), 'lease of two', Buffer.from('result'))).toMatchObject({
    status: 'completed',
  })
  expect((await store.get(request('two')))?.key).toBe('two')
  expect(states()).toEqual([
    { key: 'one', state: 'running' },
    { key: 'two', state: 'completed' },
  ])
})
