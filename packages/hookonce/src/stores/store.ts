/**
 * The Store contract: what every store does, in one atomic step per operation, by the store's own clock.
 *
 * Step 0 of every operation, in every store alike: an expired record is an absent one.
 * A record expires: completed, `retentionMs` after its completion; failed, `retentionMs` after its failure;
 * running, `max(lockTtlMs, retentionMs)` after its lease ended.
 *
 * Whatever a store cannot do it rejects with {@link StoreError}; every other rejection counts as "unknown".
 */
export interface Store {
  /** What kind of store this is, for logs: `memory`, `sqlite`, … */
  readonly name: string

  /** How many bytes one source should keep at most where nothing is said of it. Default {@link MAX_STORED_BYTES}. */
  readonly maxStoredBytes?: number

  /**
   * Takes the key for one attempt, or says what stands in the way. Rules, in this order:
   *
   * 1. the record's fingerprint and the request's are both known and differ → `mismatch`, in every state;
   * 2. completed → `completed`, with the result;
   * 3. running under this very lease id → `acquired` again, the lease unchanged (a command that a driver sent twice);
   * 4. running with a live lease → `running`;
   * 5. attempts that ended without a word (a running record whose lease is over counts) ≥ `maxLosses` → `exhausted`;
   * 6. otherwise → `acquired`: running, attempts + 1, lease end = now + min(`leaseMs`, `lockTtlMs`), and a
   *    fencing token of max(previous + 1, store clock in µs) that rises over deletion and expiry too.
   *    An attempt whose lease was over is taken over (`tookOver`), counted as a loss, and the last error
   *    ({@link lostError}).
   *
   * The record keeps the first fingerprint and the first label that are known, and the last error. A command that is sent
   * twice does not tell again that it took over. `exhausted` writes nothing; its `losses`
   * counts the abandoned attempt, which `get` does not until it is taken over.
   */
  claim(request: ClaimRequest): Promise<ClaimOutcome>

  /**
   * Sets the end of a live lease to min(now + `leaseMs`, claimed + lock TTL).
   * `lost` when the record is gone, is not running, is held under another lease id, or its lease is over.
   */
  renew(id: RecordId, leaseId: string, leaseMs: number): Promise<'renewed' | 'lost'>

  /**
   * Records the result of the attempt that holds `leaseId`, even after its lease ended, as long as nobody took
   * the key over. Already completed by this lease id → `completed` again. Anything else → `fenced`, nothing written.
   * The caller leaves `result` unchanged until this settles.
   */
  complete(id: RecordId, leaseId: string, result: Uint8Array): Promise<CompleteOutcome>

  /**
   * Gives the key back for a retry and keeps `error` (at most {@link MAX_ERROR_LENGTH} characters of it).
   * Already failed by this lease id → `failed` again. Anything else → `fenced`, nothing written.
   */
  fail(id: RecordId, leaseId: string, error: string): Promise<'failed' | 'fenced'>

  /** Removes the record. One that runs under a live lease is refused (`running`) unless forced. */
  delete(id: RecordId, options?: { force?: boolean }): Promise<'deleted' | 'absent' | 'running'>

  /** The whole record, or `undefined`. Never changes it. */
  get(id: RecordId): Promise<StoredRecord | undefined>

  /**
   * One page of records without their results, newest first where the store has an order to offer.
   * Rejects with {@link StoreError} (`refused`) for a limit out of range or an `after` of nobody's making.
   */
  list(query: ListQuery): Promise<RecordPage>

  /** What the store can tell cheaply about its size; an absent field means "not known". */
  stats(): Promise<StoreStats>

  /**
   * How much a scope keeps, results and deliveries included: counted while the store holds some thousands of records,
   * beyond that estimated from a sample, in bounded time however many there are. Bytes are those of texts and contents and
   * some for each record, not those of a disk. An absent field means "not known". A store without it keeps what comes.
   */
  usage?(scope: string): Promise<StoreStats>

  /** Removes at most `limit` expired records and says how many. 0 where the store expires by itself. */
  purge(limit: number): Promise<number>

  /**
   * Where the store can push: calls `wake` as soon as it would notice a change of the record, and then at every change
   * that ends an attempt (completed, failed, deleted), whichever process makes it. It may wake without a reason, and
   * may miss a change while it is cut off from its server, so whoever watches reads the record from time to time too.
   * Never throws. Returns what ends the watch.
   */
  watch?(id: RecordId, wake: () => void): () => void

  /** Resolves when the store can do its work (write included), rejects when it cannot. */
  ready(): Promise<void>

  /** Finishes what was asked and releases everything. Later operations reject. */
  close(): Promise<void>
}

/**
 * A store whose records live in a database that effects can be written to in the same transaction. `Tx` is what the
 * work writes with; `Mode` says whether the work may wait (`async`) or must be done when it returns (`sync`).
 */
export interface TransactionalStore<Tx, Mode extends 'async' | 'sync'> extends Store {
  readonly transactions: Mode

  /**
   * Runs `work` and records the result it gives in one transaction: the effects stand if and only if the record is
   * completed. `complete`'s rules decide, as the transaction's last statement.
   *
   * - `completed` → committed. Already completed by this lease id → `completed` again, without running `work`.
   * - `fenced` → rolled back, or not begun.
   * - `work` throws → rolled back, and rejects with just that.
   * - {@link StoreError} `refused` → rolled back. `unknown` → whether it was committed could not be found out; it may
   *   be asked again under the same lease id as long as the attempt's lease is held.
   *
   * `work` may be run again where the database asks for it (serialization failure, deadlock): always in a new
   * transaction, never twice in one.
   */
  transact(
    id: RecordId,
    leaseId: string,
    work: (tx: Tx) => Mode extends 'sync' ? Uint8Array : Promise<Uint8Array>,
  ): Promise<CompleteOutcome>
}

/** Which transactions a store has. Exists in types only: `never` where it has none. */
export interface Transactions<Tx, Mode extends 'async' | 'sync'> {
  tx: Tx
  mode: Mode
}

export type TransactionsOf<S extends Store> =
  S extends TransactionalStore<infer Tx, infer Mode extends 'async' | 'sync'> ? Transactions<Tx, Mode> : never

/** Names a record: the idempotency key within its scope. Two scopes never share keys. */
export interface RecordId {
  scope: string
  key: string
}

export interface ClaimRequest extends RecordId {
  /** Digest of what must be equal for two claims to mean one operation; `null`: nothing is compared. */
  fingerprint: string | null
  /** What people search by: the sender's unsigned name for the event; at most {@link MAX_KEY_BYTES} bytes. Default: none. */
  label?: string | null
  /** Random name of the attempt; every later write for it presents it. */
  leaseId: string
  leaseMs: number
  /** The longest the attempt may hold the key, however often renewed. Fixed at claim. */
  lockTtlMs: number
  /** How long the record is kept once it completed or failed. Fixed at claim. */
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
  /** What people search by, see {@link ClaimRequest}; several records may share one. */
  label: string | null
  /** How many attempts were started. */
  attempts: number
  /** How many of them ended without a word: taken over after their lease. */
  losses: number
  leaseId: string
  fencingToken: string
  createdAt: number
  claimedAt: number
  /** The end of the current or last lease. */
  leaseEndsAt: number
  /** What is left of the lease by the store's clock; 0 unless running under a live lease. */
  leaseRemainingMs: number
  /** When it completed or failed; `null` while running. */
  settledAt: number | null
  /** {@link NEVER} for an accepted record that is still to be attempted. */
  expiresAt: number
  lastError: string | null
  /** Of accepted records only. */
  accepted?: Accepted
}

/**
 * What an accepted record has besides. Before its first attempt its lease id is the id of its acceptance, its fencing
 * token `0`, and its claim and the end of its lease are its creation.
 */
export interface Accepted {
  /** When its next attempt is due: pending or failed, as set; running, when its lease ends; `null` once settled for good. */
  dueAt: number | null
  /** Records of one group are attempted one at a time, in the order in which they were accepted; `null`: in any. */
  group: string | null
  /** 1, and one more for each time that it was redriven. */
  round: number
  /** How many of its attempts do not count in this round: those of earlier ones, and those that never began. */
  earlierAttempts: number
}

export interface StoredRecord extends RecordSummary {
  /** `null` unless completed. */
  result: Uint8Array | null
  /** What was accepted, as it was given; accepted records only, in every state. */
  delivery?: Uint8Array
}

export interface ListQuery {
  scope?: string
  state?: RecordSummary['state']
  /**
   * Records of this label only. SQLite and Postgres have an index of labels, and then list by the time of creation;
   * elsewhere it narrows what is passed over as `state` does.
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
  /** May be fewer than asked for, or none, although there is a next page: no page looks at too many records. */
  records: RecordSummary[]
  /** Absent on the last page. */
  next?: string
}

export interface StoreStats {
  records?: number
  bytes?: number
}

/** The time of what does not expire: the last one that a `Date` can show. */
export const NEVER = 8.64e15

/** The last error of a record whose attempt of this number was taken over. */
export const lostError = (attempt: number): string => `attempt ${attempt} was lost: its lease ended without a word`

/** A page of a list ends after so long, whatever it has found: whoever asks for it waits some seconds at most. */
export const PAGE_MS = 500

/** The longest `lastError` that is kept, in characters. */
export const MAX_ERROR_LENGTH = 1000

/** How many records, and how many bytes, one source keeps at most unless something else is said: 10 million, 10 GiB. */
export const MAX_RECORDS = 10_000_000
export const MAX_STORED_BYTES = 10 * 1024 ** 3

/** The longest idempotency key and the longest scope, in bytes. */
export const MAX_KEY_BYTES = 255
