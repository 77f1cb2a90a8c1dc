import { setTimeout as delay } from 'node:timers/promises'
import type { AcceptRequest, ClaimDueRequest, ClaimRequest, InboxStore, RecordId, Store } from 'hookonce'
import { Pool, type PoolConfig } from 'pg'
import { expect } from 'vitest'

export const HOUR = 3_600_000

let records = 0
/** A record nobody has touched. */
export const newId = (): RecordId => ({ scope: 's', key: `key ${++records}` })

export const newLeaseId = (): string => crypto.randomUUID().replaceAll('-', '')

export function requestOf(id: RecordId, leaseId: string, request: Partial<ClaimRequest> = {}): ClaimRequest {
  const durations = { leaseMs: HOUR, lockTtlMs: HOUR, retentionMs: HOUR }
  return { ...id, fingerprint: null, leaseId, ...durations, maxLosses: 1000, ...request }
}

/** Claims, which must work, and gives the lease id. */
export async function acquire(store: Store, id: RecordId, request?: Partial<ClaimRequest>): Promise<string> {
  const leaseId = newLeaseId()
  expect(await store.claim(requestOf(id, leaseId, request))).toMatchObject({ status: 'acquired' })
  return leaseId
}

/** Accepts, which must work: due at once, in no group, kept for an hour. */
export async function accept(store: InboxStore, id: RecordId, request: Partial<AcceptRequest> = {}): Promise<RecordId> {
  const durations = { retentionMs: HOUR, delayMs: 0 }
  const all = { fingerprint: null, acceptId: newLeaseId(), delivery: Buffer.from('delivery'), group: null, ...request }
  expect(await store.accept({ ...id, ...durations, ...all })).toMatchObject({ status: 'accepted' })
  return id
}

export function dueRequest(request: Partial<ClaimDueRequest> = {}): ClaimDueRequest {
  const durations = { leaseMs: HOUR, lockTtlMs: HOUR }
  return { scope: 's', limit: 100, leaseId: newLeaseId(), ...durations, maxLosses: 1000, ...request }
}

export const isReady = (store: Store): Promise<boolean> =>
  store.ready().then(
    () => true,
    () => false,
  )

/** Asks until the answer is yes. */
export async function until(what: string, condition: () => unknown, timeoutMs = 45_000): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`)
    await delay(5)
  }
}

/** A pool that survives its server: one that has ended still hears of its connections' ends. */
export function openPool(connectionString: string, options: PoolConfig = {}): Pool {
  return new Pool({ connectionString, ...options }).on('error', () => {})
}

/** A ledger of effects beside the store, which takes the same effect twice. */
export async function openLedger(url: string) {
  const pool = openPool(url, { max: 2 })
  await pool.query('CREATE TABLE IF NOT EXISTS effects (key text NOT NULL, attempt text NOT NULL)')
  return {
    pool,
    /** How often each key's effect stands. */
    async counts(): Promise<Map<string, number>> {
      const { rows } = await pool.query('SELECT key, count(*)::int AS count FROM effects GROUP BY key')
      return new Map(rows.map(row => [row.key, row.count]))
    },
    async count({ key }: RecordId): Promise<number> {
      const { rows } = await pool.query('SELECT count(*)::int AS count FROM effects WHERE key = $1', [key])
      return rows[0].count
    },
  }
}

type Query = { query(text: string, values?: unknown[]): Promise<unknown> }

/** Work that writes the record's effect and gives a result. */
export const writing =
  ({ key }: RecordId, attempt = 'one', then: (tx: Query) => unknown = () => {}) =>
  async (tx: Query): Promise<Uint8Array> => {
    await tx.query('INSERT INTO effects VALUES ($1, $2)', [key, attempt])
    await then(tx)
    return Buffer.from(attempt)
  }
