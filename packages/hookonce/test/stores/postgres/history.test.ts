import type { RecordId, Store } from 'hookonce'
import { postgresMigrations } from 'hookonce/stores/postgres'
import { expect, test } from 'vitest'
import { admin, open } from './server.js'
import { accept, acquire, dueRequest, newId, requestOf } from './support.js'

/** So many migrations knows the version before histories. */
const BEFORE = 8

const toldOf = async (store: Store, id: RecordId) =>
  (await store.get(id))!.history.map(({ number, outcome }) => `${number} ${outcome}`)

const failAs = (store: Store, id: RecordId, leaseId: string, outcome: number | 'timeout') =>
  store.fail(id, leaseId, { error: 'it broke', outcome })

/** What the version before writes, which knows no history. */
const earlier = {
  claim: ({ key }: RecordId, leaseId: string) =>
    admin.query(
      `UPDATE hookonce.records SET
         state = 'running', attempts = attempts + 1, lease_id = $2,
         fencing_token = greatest(fencing_token + 1, hookonce.now_us()), claimed_at = hookonce.now_ms(),
         lease_ends_at = hookonce.now_ms() + 60000, settled_at = NULL
       WHERE key = $1`,
      [key, leaseId],
    ),
  claimInPlaceOfExpired: ({ key }: RecordId, leaseId: string) =>
    admin.query(
      `UPDATE hookonce.records SET
         id = nextval('hookonce.record_ids'), state = 'running', attempts = 1, lease_id = $2,
         fencing_token = greatest(fencing_token + 1, hookonce.now_us()), created_at = hookonce.now_ms(),
         claimed_at = hookonce.now_ms(), lease_ends_at = hookonce.now_ms(), settled_at = NULL,
         expires_at = hookonce.now_ms() + 3600000
       WHERE key = $1`,
      [key, leaseId],
    ),
  settle: ({ key }: RecordId, state: 'failed' | 'dead') =>
    admin.query(
      `UPDATE hookonce.records SET state = $2, last_error = 'it broke', settled_at = hookonce.now_ms(), due_at = NULL
       WHERE key = $1`,
      [key, state],
    ),
  redrive: ({ key }: RecordId) =>
    admin.query(
      `UPDATE hookonce.records SET
         state = 'pending', settled_at = NULL, due_at = hookonce.now_ms(), round = round + 1, earlier_attempts = attempts
       WHERE key = $1`,
      [key],
    ),
}

test('records of the version before tell of their last attempt, and of those that follow', async () => {
  await admin.query('CREATE SCHEMA hookonce')
  for (const migration of postgresMigrations().slice(0, BEFORE)) await admin.query(migration)
  const [failed, lost, dead] = [newId(), newId(), newId()]
  await admin.query(
    `INSERT INTO hookonce.records (scope, key, state, attempts, losses, lease_id, fencing_token, created_at, claimed_at,
       lease_ends_at, settled_at, expires_at, lock_ttl_ms, retention_ms, round)
     SELECT 's', key, state, 3, 0, 'process.7', 5, at, at, at, settled, at + 3600000, 60000, 60000, round
     FROM hookonce.now_ms() AS at, LATERAL (VALUES
       ($1, 'failed', at + 20, NULL), ($2, 'running', NULL, NULL), ($3, 'dead', at + 20, 1)
     ) AS r (key, state, settled, round)`,
    [failed.key, lost.key, dead.key],
  )
  const store = await open()
  expect(await store.get(failed)).toMatchObject({
    history: [{ number: 3, fencingToken: '5', process: 'process', tookMs: 20, outcome: 'failed' }],
  })
  expect(await toldOf(store, dead)).toEqual(['3 failed'])

  await acquire(store, failed)
  expect(await toldOf(store, failed)).toEqual(['3 failed', '4 running'])
  await acquire(store, lost)
  expect(await toldOf(store, lost)).toEqual(['3 lost', '4 running'])
  await store.redrive(dead)
  await store.claimDue(dueRequest())
  expect(await toldOf(store, dead)).toEqual(['3 failed', '4 running'])
})

test('attempts of the version before have their own number, and no outcome of another', async () => {
  const store = await open()
  const id = newId()
  await failAs(store, id, await acquire(store, id), 503)
  await failAs(store, id, await acquire(store, id), 'timeout')

  await earlier.claim(id, 'earlier')
  expect(await toldOf(store, id)).toEqual(['1 503', '3 running'])
  await earlier.settle(id, 'failed')
  expect(await toldOf(store, id)).toEqual(['1 503', '3 failed'])
  await acquire(store, id)
  expect(await toldOf(store, id)).toEqual(['1 503', '3 failed', '4 running'])
})

test('a round that the version before began has its own attempts after those before', async () => {
  const store = await open()
  const id = await accept(store, newId())
  await store.claimDue(dueRequest({ leaseId: 'a' }))
  await failAs(store, id, 'a', 503)
  await store.claimDue(dueRequest({ leaseId: 'b' }))
  await earlier.settle(id, 'dead')
  await earlier.redrive(id)
  expect(await toldOf(store, id)).toEqual(['1 503'])
  await store.claimDue(dueRequest())
  expect(await toldOf(store, id)).toEqual(['1 503', '3 running'])
})

test('a record that the version before puts in the place of an expired one does not tell of that one', async () => {
  const store = await open()
  const id = newId()
  for (const outcome of [501, 502, 503]) await failAs(store, id, await acquire(store, id), outcome)
  await earlier.claimInPlaceOfExpired(id, 'earlier')
  expect(await toldOf(store, id)).toEqual(['1 running'])
  await acquire(store, id)
  expect(await toldOf(store, id)).toEqual(['1 lost', '2 running'])
})

test('a first attempt, its result, a duplicate and an acceptance write nothing of a history', async () => {
  const store = await open()
  const [running, completed, pending, taken] = [newId(), newId(), newId(), newId()]
  await acquire(store, running)
  await store.complete(completed, await acquire(store, completed), Buffer.from('done'))
  expect(await store.claim(requestOf(completed, 'another'))).toMatchObject({ status: 'completed' })
  await accept(store, taken)
  await store.claimDue(dueRequest({ leaseId: 'a' }))
  await store.complete(taken, 'a', Buffer.from('done'))
  await accept(store, pending)
  const { rows } = await admin.query(
    `SELECT key FROM hookonce.records
     WHERE num_nonnulls(outcome, outcome_token, history, history_id) > 0`,
  )
  expect(rows).toEqual([])
})
