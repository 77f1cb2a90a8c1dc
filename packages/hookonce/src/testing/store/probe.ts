import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import type {
  ClaimOutcome,
  ClaimRequest,
  CompleteOutcome,
  ListQuery,
  RecordId,
  RecordSummary,
  Store,
  StoredRecord,
} from '../../stores/store.js'

/** Longer than the slowest run. */
export const HOUR = 3_600_000

export const [ANN, BEN, CLEO, DAN] = ['a', 'b', 'c', 'd'].map(letter => letter.repeat(32)) as [
  string,
  string,
  string,
  string,
]

/** Two payloads' digests. */
export const [ONE, TWO] = ['1', '2'].map(digit => digit.repeat(64)) as [string, string]

export const textOf = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString())

type Acquired = Extract<ClaimOutcome, { status: 'acquired' }>

/** One record through one client. Default of leases, lock TTL and retention: an hour. */
export class Probe {
  readonly store: Store
  readonly id: RecordId

  constructor(store: Store, id: RecordId) {
    this.store = store
    this.id = id
  }

  /** Another record. Default: of the same scope. */
  of(id: Partial<RecordId>): Probe {
    return new Probe(this.store, { ...this.id, ...id })
  }

  /** The same record through another client. */
  through(store: Store): Probe {
    return new Probe(store, this.id)
  }

  claim(leaseId: string, request: Partial<ClaimRequest> = {}): Promise<ClaimOutcome> {
    return this.store.claim({
      ...this.id,
      fingerprint: null,
      leaseId,
      leaseMs: HOUR,
      lockTtlMs: HOUR,
      retentionMs: HOUR,
      maxLosses: 10,
      ...request,
    })
  }

  async acquire(leaseId: string, request?: Partial<ClaimRequest>): Promise<Acquired> {
    const outcome = await this.claim(leaseId, request)
    assert.equal(outcome.status, 'acquired')
    return outcome as Acquired
  }

  /** Acquires and lets the lease end. */
  async abandon(leaseId: string, request?: Partial<ClaimRequest>): Promise<Acquired> {
    const acquired = await this.acquire(leaseId, { leaseMs: 1, ...request })
    await waitFor('the lease to end', async () => (await this.record()).leaseRemainingMs === 0)
    return acquired
  }

  renew(leaseId: string, leaseMs = HOUR): Promise<'renewed' | 'lost'> {
    return this.store.renew(this.id, leaseId, leaseMs)
  }

  complete(leaseId: string, result: Uint8Array | string = 'result'): Promise<CompleteOutcome> {
    return this.store.complete(this.id, leaseId, typeof result === 'string' ? Buffer.from(result) : result)
  }

  /** Completes, and returns when. Fails if the store refuses. */
  async completed(leaseId: string, result?: Uint8Array | string): Promise<number> {
    const outcome = await this.complete(leaseId, result)
    assert.equal(outcome.status, 'completed')
    return (outcome as Extract<CompleteOutcome, { status: 'completed' }>).completedAt
  }

  fail(leaseId: string, error = 'it broke'): Promise<'failed' | 'fenced'> {
    return this.store.fail(this.id, leaseId, error)
  }

  delete(options?: { force?: boolean }): Promise<'deleted' | 'absent' | 'running'> {
    return this.store.delete(this.id, options)
  }

  get(): Promise<StoredRecord | undefined> {
    return this.store.get(this.id)
  }

  /** The record. Fails if it is absent. */
  async record(): Promise<StoredRecord> {
    const record = await this.get()
    assert.ok(record, 'the record is there')
    return record
  }

  /** All records of the scope, in pages of at most `limit`. A page may be short or empty. */
  async listed(query: Partial<ListQuery> = {}): Promise<RecordSummary[]> {
    const { limit = 1000 } = query
    const records: RecordSummary[] = []
    for (let after: string | undefined, pages = 0; pages < 1000; pages++) {
      const page = await this.store.list({ scope: this.id.scope, ...query, limit, ...(after && { after }) })
      assert.ok(page.records.length <= limit, `${page.records.length} records on a page of ${limit}`)
      records.push(...page.records)
      if (page.next === undefined) return records
      after = page.next
    }
    assert.fail('the pages never end')
  }

  /** Waits for 5 ms of the store's clock, more than any rounding. */
  async timePasses(): Promise<void> {
    await this.of({ key: 'clock' }).abandon(ANN, { leaseMs: 5 })
  }

  /** Waits until the record has expired. */
  gone(): Promise<void> {
    return waitFor('the record to expire', async () => (await this.get()) === undefined)
  }
}

/** Polls until the answer is yes, at most ten seconds. A correct store takes milliseconds. */
export async function waitFor(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!(await condition())) {
    assert.ok(performance.now() < deadline, `waited in vain for ${what}`)
    await delay(1)
  }
}

/** Asserts that each token is a whole number larger than the one before. */
export function assertRising(tokens: string[]): void {
  for (const token of tokens) assert.match(token, /^[1-9][0-9]*$/)
  for (let i = 1; i < tokens.length; i++) assert.ok(BigInt(tokens[i]!) > BigInt(tokens[i - 1]!), tokens.join(' < '))
}

/** Stores may round times to their clock's resolution. */
export function assertSpan(from: number, to: number, ms: number): void {
  assert.ok(Math.abs(to - from - ms) <= 1, `${to - from} ms instead of ${ms} ms`)
}
