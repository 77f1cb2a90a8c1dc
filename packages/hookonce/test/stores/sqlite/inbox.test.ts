import { join } from 'node:path'
import type { AcceptRequest, ClaimDueRequest } from 'hookonce'
import { expect, test } from 'vitest'
import { listed } from '../../support/listed.js'
import { connect, eventually, open, request, temporaryFolder } from './support.js'

const acceptance = (key: string, changes: Partial<AcceptRequest> = {}): AcceptRequest => ({
  scope: 'test',
  key,
  fingerprint: null,
  acceptId: `acceptance of ${key}`,
  delivery: Buffer.from(`delivery of ${key}`),
  retentionMs: 3_600_000,
  delayMs: 0,
  group: null,
  ...changes,
})

const taking = (changes: Partial<ClaimDueRequest> = {}): ClaimDueRequest => ({
  scope: 'test',
  limit: 10,
  leaseId: 'worker',
  leaseMs: 15_000,
  lockTtlMs: 300_000,
  maxLosses: 10,
  ...changes,
})

async function setUp() {
  const path = join(temporaryFolder(), 'hookonce.db')
  const store = open(path)
  await store.ready()
  return { store, db: await connect(path) }
}

test('a transaction that completes an accepted record takes it out of the queue, and lets the next of its group in', async () => {
  const { store, db } = await setUp()
  db.exec('CREATE TABLE ledger (effect TEXT NOT NULL)')
  for (const key of ['one', 'two']) await store.accept(acceptance(key, { group: 'g' }))
  const [first] = await store.claimDue(taking())

  const outcome = await store.transact(first!, 'worker', tx => {
    tx.prepare('INSERT INTO ledger VALUES (?)').run(first!.key)
    return Buffer.from('result')
  })

  expect(outcome.status).toBe('completed')
  expect((await store.get(first!))?.accepted?.dueAt).toBeNull()
  expect((await store.claimDue(taking())).map(({ key }) => key)).toEqual(['two'])
  expect(db.prepare('SELECT effect FROM ledger').all()).toEqual([{ effect: 'one' }])
})

test('a transaction that is rolled back leaves the record in the queue', async () => {
  const { store } = await setUp()
  await store.accept(acceptance('key'))
  await store.claimDue(taking({ leaseMs: 1 }))
  const failure = new Error('it broke')
  const work = () => {
    throw failure
  }

  await expect(store.transact(acceptance('key'), 'worker', work)).rejects.toBe(failure)

  await eventually(async () => (await store.claimDue(taking({ leaseId: 'other' }))).length === 1)
})

test('the first of a group is found without a look at those behind it', async () => {
  const { store, db } = await setUp()
  await Promise.all(Array.from({ length: 500 }, (_, i) => store.accept(acceptance(`key ${i}`, { group: 'g' }))))
  const inLine = 'SELECT count(*) AS n FROM records INDEXED BY records_due WHERE held = 0 AND due_at IS NOT NULL'
  for (const index of [0, 1, 2]) {
    expect(db.prepare(inLine).get()).toEqual({ n: 1 })
    const claims = await store.claimDue(taking())
    expect(claims.map(({ key }) => key)).toEqual([`key ${index}`])
    await store.complete(claims[0]!, 'worker', Buffer.from('result'))
  }
})

test('a record that is redriven is before those of its group that were accepted later', async () => {
  const { store } = await setUp()
  for (const key of ['one', 'two', 'three']) await store.accept(acceptance(key, { group: 'g' }))
  const takeKeys = async () => (await store.claimDue(taking())).map(({ key }) => key)
  const complete = (key: string) => store.complete({ scope: 'test', key }, 'worker', Buffer.from('result'))

  expect(await takeKeys()).toEqual(['one'])
  await store.fail({ scope: 'test', key: 'one' }, 'worker', 'it broke', 'dead')
  expect(await store.redrive({ scope: 'test', key: 'one' }, { completed: true })).toBe('redriven')
  for (const key of ['one', 'two', 'three']) {
    expect(await takeKeys()).toEqual([key])
    await complete(key)
  }
  for (const key of ['three', 'one'])
    expect(await store.redrive({ scope: 'test', key }, { completed: true })).toBe('redriven')
  for (const key of ['one', 'three']) {
    expect(await takeKeys()).toEqual([key])
    await complete(key)
  }
  expect(await takeKeys()).toEqual([])
})

test('an answer takes along no more deliveries than fit, and the rest is due still', async () => {
  const { store } = await setUp()
  const delivery = Buffer.alloc(6 * 1024 * 1024, 'd')
  for (const key of ['one', 'two', 'three', 'four']) await store.accept(acceptance(key, { delivery }))

  const takes = [await store.claimDue(taking()), await store.claimDue(taking()), await store.claimDue(taking())]

  expect(takes.map(claims => claims.map(({ key }) => key))).toEqual([['one', 'two', 'three'], ['four'], []])
  for (const claim of takes.flat()) expect(Buffer.compare(claim.delivery, delivery)).toBe(0)
})

test('a delivery of a KiB lies in its record, a larger one apart, and both come back byte for byte', async () => {
  const { store, db } = await setUp()
  const bytes = (length: number) => Buffer.alloc(length, Buffer.from([0, 255, 10, 0x80]))
  for (const length of [1024, 1025]) await store.accept(acceptance(`${length}`, { delivery: bytes(length) }))

  const where = 'SELECT key FROM records LEFT JOIN deliveries USING (id) WHERE deliveries.delivery IS NULL'
  expect(db.prepare(where).all()).toEqual([{ key: '1024' }])
  const deliveries = (await store.claimDue(taking())).map(({ delivery }) => delivery)
  for (const [index, length] of [1024, 1025].entries()) {
    const id = { scope: 'test', key: `${length}` }
    expect(Buffer.compare(deliveries[index]!, bytes(length))).toBe(0)
    await store.complete(id, 'worker', Buffer.from('result'))
    expect(Buffer.compare((await store.get(id))!.delivery!, bytes(length))).toBe(0)
    expect(await store.redrive(id, { completed: true })).toBe('redriven')
  }
  const again = await store.claimDue(taking({ leaseId: 'other' }))
  expect(again.map(({ delivery }) => delivery.byteLength).sort()).toEqual([1024, 1025])
})

test('what is in line has no entry in the index on expiry, and is counted all the same', async () => {
  const { store, db } = await setUp()
  const entries = () =>
    db
      .prepare('SELECT count(*) AS n FROM records INDEXED BY records_by_expiry WHERE expires_at < 8640000000000000')
      .get().n
  for (const key of ['pending', 'retried', 'dead', 'completed']) {
    await store.accept(acceptance(key, { delayMs: key === 'pending' ? 60_000 : 0 }))
  }
  expect((await store.claimDue(taking())).length).toBe(3)
  await store.renew({ scope: 'test', key: 'completed' }, 'worker', 60_000)
  await store.fail({ scope: 'test', key: 'retried' }, 'worker', 'it broke', { dueInMs: 60_000 })
  expect(entries()).toBe(0)
  await store.fail({ scope: 'test', key: 'dead' }, 'worker', 'it broke', 'dead')
  await store.complete({ scope: 'test', key: 'completed' }, 'worker', Buffer.from('result'))
  expect(entries()).toBe(2)
  await store.claim(request('claimed'))
  await store.claim(request('expired', { leaseMs: 1, lockTtlMs: 1, retentionMs: 1 }))
  await eventually(async () => (await store.get(request('expired'))) === undefined)
  expect(await store.stats()).toMatchObject({ records: 5 })
  await store.redrive({ scope: 'test', key: 'dead' })
  expect(entries()).toBe(3)
})

test('a count goes through all records and all that are expired, in steps', async () => {
  const { store, db } = await setUp()
  await store.claim(request('one'))
  const insert = `
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
    INSERT INTO records (hash, scope, key, state, attempts, losses, lease_id, fencing_token, created_at, claimed_at,
      lease_ends_at, expires_at, lock_ttl_ms, retention_ms)
    SELECT i % 50000, 'test', ? || i, 'running', 1, 0, '', 0, 0, 0, 0, ? + i % 2, 0, 0 FROM n`
  db.prepare(insert).run('expired', 1)
  db.prepare(insert).run('standing', Date.now() + 60_000)
  expect(await store.stats()).toMatchObject({ records: 60_001 })
})

test('what was accepted goes with its record: deleted, purged, or expired and replaced', async () => {
  const { store, db } = await setUp()
  const delivery = Buffer.alloc(1025, 'd')
  const settle = async (key: string) => {
    await store.accept(acceptance(key, { delivery, retentionMs: 1 }))
    await store.claimDue(taking())
    await store.complete({ scope: 'test', key }, 'worker', Buffer.from('result'))
    await eventually(async () => (await store.get({ scope: 'test', key })) === undefined)
  }
  for (const key of ['purged', 'accepted again', 'claimed']) await settle(key)
  await store.accept(acceptance('deleted', { delivery }))
  await store.accept(acceptance('accepted again', { delivery, delayMs: 60_000 }))
  await store.claim(request('claimed'))
  await store.delete({ scope: 'test', key: 'deleted' })
  expect(await store.purge(10)).toBe(1)

  const left = 'SELECT key FROM deliveries LEFT JOIN records USING (id)'
  expect(db.prepare(left).all()).toEqual([{ key: 'accepted again' }])
})

test('tokens rise over an acceptance, which has none', async () => {
  const { store, db } = await setUp()
  await store.accept(acceptance('key', { retentionMs: 1 }))
  await store.claimDue(taking())
  const ahead = (Date.now() + 86_400_000) * 1000
  // As if the clock had been a day ahead when the token was issued.
  db.prepare('UPDATE records SET fencing_token = ?').run(ahead)
  await store.complete({ scope: 'test', key: 'key' }, 'worker', Buffer.from('result'))
  await eventually(async () => (await store.get({ scope: 'test', key: 'key' })) === undefined)

  await store.accept(acceptance('key'))

  expect(await store.claimDue(taking())).toMatchObject([{ fencingToken: String(ahead + 1) }])
})

test('a list of accepted records leads to rare ones among many, page by page, whatever was created when', async () => {
  const { store, db } = await setUp()
  for (const key of ['rare 1', 'rare 2', 'rare 3']) await store.accept(acceptance(key, { scope: 'rare' }))
  // As many as no page goes through.
  db.exec(`
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
    INSERT INTO records (hash, scope, key, state, attempts, losses, lease_id, fencing_token, created_at, claimed_at,
      lease_ends_at, expires_at, lock_ttl_ms, retention_ms, due_at, held, round, earlier_attempts)
    SELECT i, 'test', 'key ' || i, 'pending', 0, 0, '', 0, created_at + 60000 + i, 0, 0, expires_at, 0, 0, due_at + 60000,
      0, 1, 0
    FROM n, (SELECT created_at, expires_at, due_at FROM records WHERE key = 'rare 1')`)
  const keys: string[] = []
  let pages = 0
  for (let after: string | undefined; ; pages++) {
    const page = await store.list({ accepted: true, scope: 'rare', limit: 2, ...(after && { after }) })
    keys.push(...page.records.map(({ key }) => key))
    if (page.next === undefined) break
    after = page.next
  }
  expect(keys).toEqual(['rare 3', 'rare 2', 'rare 1'])
  expect(pages).toBeGreaterThan(1)
  await expect(store.list({ accepted: true, limit: 2, after: '7' })).rejects.toMatchObject({ effect: 'refused' })
})

test('dead records are found at once among many', async () => {
  const { store } = await setUp()
  for (const key of ['one', 'two', 'three']) {
    await store.accept(acceptance(key))
    await store.claimDue(taking())
    await store.fail({ scope: 'test', key }, 'worker', 'it broke', key === 'two' ? { dueInMs: 60_000 } : 'dead')
  }
  const first = await store.list({ accepted: true, state: 'dead', limit: 1 })
  expect(first.records.map(({ key }) => key)).toEqual(['three'])
  const rest = await listed(store, { accepted: true, state: 'dead', limit: 1, after: first.next! })
  expect(rest).toMatchObject([{ key: 'one', state: 'dead' }])
})
