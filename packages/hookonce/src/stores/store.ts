import type { Journal } from './journal.js'

/**
 * The Store contract. Every operation is one atomic step, by the store's own clock.
 *
 * An expired record counts as absent, in every operation. A record expires: completed, `retentionMs` after its completion;
 * failed, `retentionMs` after its failure; running, `max(lockTtlMs, retentionMs)` after the end of its lease.
 *
 * An operation that fails rejects with {@link StoreError}; any other rejection counts as one with the effect `unknown`.
 */
export interface Store {
  /** The kind of store, for logs: `memory`, `sqlite`, … */
  readonly name: string

  /** The most bytes that one source keeps unless configured otherwise. Default {@link MAX_STORED_BYTES}. */
  readonly maxStoredBytes?: number

  /**
   * Claims the key for one attempt, or returns why it cannot. Rules, in this order:
   *
   * 1. the record's fingerprint and the request's are both known and differ → `mismatch`, in every state;
   * 2. completed → `completed`, with the result;
   * 3. running under this lease id → `acquired` again, the lease unchanged (a driver sent the command twice);
   * 4. running under a live lease → `running`;
   * 5. `maxLosses` or more lost attempts, a running one whose lease is over included → `exhausted`;
   * 6. otherwise → `acquired`: running, attempts + 1, lease end = now + min(`leaseMs`, `lockTtlMs`), and the
   *    fencing token max(previous + 1, store clock in µs), which also rises over deletion and expiry.
   *    An attempt whose lease was over is taken over (`tookOver`): it counts as a loss, and {@link lostError} becomes the
   *    last error.
   *
   * The record keeps the first known fingerprint, the first known label, and the last error. A command that was sent twice
   * returns `tookOver` only once. `exhausted` writes nothing: its `losses` includes the abandoned attempt, and that of `get`
   * does not.
   */
  claim(request: ClaimRequest): Promise<ClaimOutcome>

  /**
   * Sets the end of a live lease to min(now + `leaseMs`, claimed + lock TTL).
   * `lost` if the record is absent, is not running, or has another lease id, or if its lease is over.
   */
  renew(id: RecordId, leaseId: string, leaseMs: number): Promise<'renewed' | 'lost'>

  /**
   * Records the result of the attempt that holds `leaseId`, also after its lease ended, unless another attempt took the key
   * over. Already completed by this lease id → `completed` again. Otherwise → `fenced`, nothing written.
   * The caller must not change `result` before this settles.
   */
  complete(id: RecordId, leaseId: string, result: Uint8Array): Promise<CompleteOutcome>

  /**
   * Releases the key for a retry and keeps the error (at most {@link MAX_ERROR_LENGTH} characters of it). A text is the
   * error of an attempt that threw.
   * Already failed by this lease id → `failed` again. Otherwise → `fenced`, nothing written.
   */
  fail(id: RecordId, leaseId: string, failure: string | Failure): Promise<'failed' | 'fenced'>

  /** Removes the record. `running`, nothing removed: it runs under a live lease and `force` is not set. */
  delete(id: RecordId, options?: { force?: boolean }): Promise<'deleted' | 'absent' | 'running'>

  /** The whole record, or `undefined`. Changes nothing. */
  get(id: RecordId): Promise<StoredRecord | undefined>

  /**
   * One page of records without their results, newest first if the store has an order.
   * Rejects with `StoreError` (`refused`) for a limit out of range, or an `after` that is no page's `next`.
   */
  list(query: ListQuery): Promise<RecordPage>

  /** The store's size, if that is cheap to read; an absent field means "not known". */
  stats(): Promise<StoreStats>

  /**
   * How much a scope keeps, results and deliveries included: counted up to some thousands of records, beyond that estimated
   * from a sample, in bounded time. Bytes are those of the content and a constant for each record, not those on disk. An
   * absent field means "not known". Without this method the limits of stored records and bytes do not apply.
   */
  usage?(scope: string): Promise<StoreStats>

  /** Removes at most `limit` expired records and returns their number; 0 if the store expires records by itself. */
  purge(limit: number): Promise<number>

  /**
   * Only stores that push. Calls `wake` once the watch is set up, and then at every change that ends an attempt (completed,
   * failed, deleted) in any process. It may wake without a change, and may miss one while disconnected from its server, so
   * callers poll the record too. Never throws. Returns a function that ends the watch.
   */
  watch?(id: RecordId, wake: () => void): () => void

  /** What the store keeps beside the records for operators; without it they see less. */
  readonly journal?: Journal

  /** Resolves if the store works, writes included; rejects if it does not. */
  ready(): Promise<void>

  /** Waits for pending operations and releases everything. Later operations reject. */
  close(): Promise<void>
}

/**
 * A store in a database to which effects can be written in the transaction of their result. `Tx` is the work's access to the
 * database; `Mode` says whether the work is asynchronous.
 */
export interface TransactionalStore<Tx, Mode extends 'async' | 'sync'> extends Store {
  readonly transactions: Mode

  /**
   * Runs `work` and records the result it returns in one transaction: the effects are committed if and only if the record is
   * completed. The transaction's last statement decides by the rules of `complete`.
   *
   * - `completed` → committed. Already completed by this lease id → `completed` again, without running `work`.
   * - `fenced` → rolled back, or not begun.
   * - `work` throws → rolled back, and rejects with that error.
   * - {@link StoreError} `refused` → rolled back. `unknown` → it may have been committed; call it again under the same
   *   lease id while the attempt holds its lease.
   *
   * After a serialization failure or a deadlock `work` runs again, in a new transaction.
   */
  transact(
    id: RecordId,
    leaseId: string,
    work: (tx: Tx) => Mode extends 'sync' ? Uint8Array : Promise<Uint8Array>,
  ): Promise<CompleteOutcome>
}

/** The transactions of a store; `never` if it has none. Exists in types only. */
export interface Transactions<Tx, Mode extends 'async' | 'sync'> {
  tx: Tx
  mode: Mode
}

export type TransactionsOf<S extends Store> =
  S extends TransactionalStore<infer Tx, infer Mode extends 'async' | 'sync'> ? Transactions<Tx, Mode> : never

/** Identifies a record: the idempotency key within its scope. Two scopes never share keys. */
export interface RecordId {
  scope: string
  key: string
}

export interface ClaimRequest extends RecordId {
  /** Digest of what two claims of one operation have in common; `null`: not compared. */
  fingerprint: string | null
  /** For searches: the sender's unsigned name for the event; at most {@link MAX_KEY_BYTES} bytes. Default: none. */
  label?: string | null
  /** Random id of the attempt, which every later write for it passes. */
  leaseId: string
  leaseMs: number
  /** The longest time the attempt may hold the key, renewals included. Fixed at claim. */
  lockTtlMs: number
  /** How long the record is kept after it completed or failed. Fixed at claim. */
  retentionMs: number
  /** 1 or more. */
  maxLosses: number
}

export type ClaimOutcome =
  | { status: 'acquired'; attempt: number; fencingToken: string; tookOver: boolean }
  | { status: 'running'; leaseRemainingMs: number }
  | { status: 'completed'; result: Uint8Array; completedAt: number }
  | { status: 'mismatch' }
  | { status: 'exhausted'; losses: number }

export type CompleteOutcome = { status: 'completed'; completedAt: number } | { status: 'fenced' }

/** Times are milliseconds since the epoch on the store's clock. */
export interface RecordSummary extends RecordId {
  /** `pending` and `dead`: accepted records only (see `inbox-store.ts`). */
  state: 'pending' | 'running' | 'completed' | 'failed' | 'dead'
  fingerprint: string | null
  /** For searches, see {@link ClaimRequest}; several records may share one. */
  label: string | null
  /** The number of attempts that were started. */
  attempts: number
  /** The number of them that were lost: taken over after their lease. */
  losses: number
  leaseId: string
  fencingToken: string
  createdAt: number
  claimedAt: number
  /** The end of the current or last lease. */
  leaseEndsAt: number
  /** Time left of the lease by the store's clock; 0 unless running under a live lease. */
  leaseRemainingMs: number
  /** When it completed or failed; `null` before. */
  settledAt: number | null
  /** {@link NEVER} for an unfinished accepted record. */
  expiresAt: number
  lastError: string | null
  /** Accepted records only. */
  accepted?: Accepted
}

/**
 * The additional facts of an accepted record. Before its first attempt its lease id is the id of its acceptance, its fencing
 * token is `0`, and `claimedAt` and `leaseEndsAt` are `createdAt`.
 */
export interface Accepted {
  /** When its next attempt is due; running: when its lease ends; `null`: settled for good. */
  dueAt: number | null
  /** Records of a group are attempted one at a time, in the order of their acceptance; `null`: no group. */
  group: string | null
  /** 1 plus the number of redrives. */
  round: number
  /** The number of attempts that do not count in this round: those of earlier rounds, and those that never began. */
  earlierAttempts: number
}

export interface StoredRecord extends RecordSummary {
  /** Its last attempts, ten at most, a running one included, oldest first. */
  history: RecordedAttempt[]
  /** `null` unless completed. */
  result: Uint8Array | null
  /** The accepted delivery, unchanged; accepted records only, in every state. */
  delivery?: Uint8Array
}

/** How an attempt failed. */
export interface Failure {
  error: string
  outcome: AttemptOutcome
}

/**
 * How an attempt stands or ended. `recorded`, its result is the record's; a number, the status that was answered and is not
 * recorded; `threw`; `timeout`, it reached the lock TTL; `lost`, its lease ended without a word and another took over;
 * `not_begun`, it was claimed and given back; `failed`, at a commit that did not reach the store, or under a version that did
 * not say how.
 */
export type AttemptOutcome = 'running' | 'recorded' | 'threw' | 'timeout' | 'lost' | 'not_begun' | 'failed' | number

/** One attempt in the history of a record. */
export interface RecordedAttempt {
  /** From 1 on. */
  number: number
  fencingToken: string
  /** Names the process that ran it, alike in all its attempts. */
  process: string
  beganAt: number
  /** `null` while it runs. */
  tookMs: number | null
  outcome: AttemptOutcome
}

export interface ListQuery {
  scope?: string
  state?: RecordSummary['state']
  /**
   * Records of this label only. SQLite and Postgres use an index and list in the order of creation; other stores filter, as
   * for `state`.
   */
  label?: string
  /** Accepted records only, newest first in every store. Default `false`: all records. */
  accepted?: boolean
  /** Created at or after this time. Only with `accepted`. */
  since?: number
  /** Created before this time. Only with `accepted`. */
  until?: number
  /** 1 to 1,000. */
  limit: number
  /** The previous page's `next`. */
  after?: string
}

export interface RecordPage {
  /** May be fewer than `limit`, even none, although there is a next page, because a page reads a bounded number of records. */
  records: RecordSummary[]
  /** Absent on the last page. */
  next?: string
}

export interface StoreStats {
  records?: number
  bytes?: number
}

/** The expiry of a record that does not expire: the last time of a `Date`. */
export const NEVER = 8.64e15

/** The last error of a record whose attempt was taken over. */
export const lostError = (attempt: number): string => `attempt ${attempt} was lost: its lease ended without a word`

/** A page of a list ends after this time, however few records it has found. */
export const PAGE_MS = 200

/** The longest `lastError`, in characters. */
export const MAX_ERROR_LENGTH = 1000

/** The most records and bytes that one source keeps unless configured otherwise: 10 million, 10 GiB. */
export const MAX_RECORDS = 10_000_000
export const MAX_STORED_BYTES = 10 * 1024 ** 3

/** The longest idempotency key and the longest scope, in bytes. */
export const MAX_KEY_BYTES = 255
