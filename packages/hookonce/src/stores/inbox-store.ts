import type { Accepted, ClaimRequest, Failure, RecordId, RecordSummary, Store } from './store.js'

/**
 * A store with a queue: a record can be accepted now and attempted later, until it completes or dies. One atomic write
 * deduplicates, stores and enqueues it.
 *
 * An accepted record does not expire before it is settled for good: completed, or dead; then its retention begins.
 * The rules of {@link Store} apply to it too, with these additions:
 *
 * - claim: a pending record is acquired as a failed one is, whether due or not; a dead one is `exhausted`;
 * - renew: the record is due at the new end of the lease;
 * - complete: nothing is due any more;
 * - fail: the caller sets when the record is due again, or that it is dead.
 */
export interface InboxStore extends Store {
  /**
   * Stores a delivery with its record, to be attempted later. Rules, in this order:
   *
   * 1. the record's fingerprint and the request's are both known and differ → `mismatch`, in every state;
   * 2. pending under this acceptance, never attempted → `accepted` again (a driver sent the command twice);
   * 3. any other record → `known`, nothing written;
   * 4. otherwise → `accepted`: pending, without attempts, due after `delayMs`.
   */
  accept(request: AcceptRequest): Promise<AcceptOutcome>

  /**
   * Claims at most `limit` due records of a scope, longest due first, and starts an attempt of each as `claim` does:
   * attempts + 1, a lease, a larger fencing token. Due are pending and failed records whose time has come, and running
   * ones whose lease is over: those are taken over (`tookOver`, `lostError`).
   *
   * A process may crash before it begins all that it claimed, so an attempt counts as begun from its first renewal on. An
   * attempt that had begun and is taken over is a loss; a record with `maxLosses` losses dies instead, with
   * {@link LOST_ERROR} as its last error. An attempt that had not begun counts neither as a loss nor in its round:
   * `earlierAttempts` grows.
   *
   * A record of a group is not claimed while an earlier one of its group is pending, running or failed. A redriven record
   * keeps its position; the store decides whether it waits for a later one that runs already.
   *
   * All records of one call have the same lease id. After a call without an answer the caller sets `again`: the store
   * returns what runs under the lease id, and claims only if nothing does. The time limit is the length of the lease or
   * more, because a late answer is useful until then.
   */
  claimDue(request: ClaimDueRequest): Promise<DueClaim[]>

  /**
   * As {@link Store.fail}. `next` applies to accepted records: due again after `dueInMs` (default: at once), or `dead`, for
   * an operator to decide. With `notBegun` the attempt does not count in its round: `earlierAttempts` grows.
   */
  fail(id: RecordId, leaseId: string, failure: string | Failure, next?: FailNext): Promise<'failed' | 'fenced'>

  /**
   * Begins a new round for an accepted record that is dead or, with `completed`, completed; a result is removed. The record
   * is pending and due at once; attempts go on, losses start at 0.
   *
   * With `waiting`, a pending or failed record is `due`: at once, or since when it was due already. Nothing else of it
   * changes, so it stays in its round and waits for an earlier one of its group.
   *
   * Otherwise nothing is written: `busy`, it is running or, without `waiting`, pending or failed; `completed`, without that
   * option; `absent`, there is no accepted record.
   */
  redrive(id: RecordId, options?: RedriveOptions): Promise<RedriveOutcome>

  /**
   * How many records of a scope are unfinished, and how many dead, in bounded time: see {@link Backlog}. For operators only;
   * no decision depends on it.
   */
  backlog(scope: string): Promise<Backlog>

  /**
   * Only stores that push. `announceDue` notifies all processes that something in the scope is due; `watchDue` calls `wake`
   * on such a notification. Neither throws. A notification may be lost, so workers poll too.
   */
  announceDue?(scope: string): void
  watchDue?(scope: string, wake: () => void): () => void
}

export const isInboxStore = (store: Store): store is InboxStore => 'claimDue' in store

export interface AcceptRequest extends RecordId {
  fingerprint: string | null
  /** As in a {@link ClaimRequest}. */
  label?: string | null
  /** Random id of this acceptance. */
  acceptId: string
  /** The content, which the store keeps unchanged. */
  delivery: Uint8Array
  /** How long the record is kept after it completed or died. */
  retentionMs: number
  /** How long until its first attempt is due. */
  delayMs: number
  /** At most {@link MAX_KEY_BYTES} bytes, or `null`. */
  group: string | null
}

export type AcceptOutcome =
  | { status: 'accepted'; acceptedAt: number }
  | { status: 'known'; state: RecordSummary['state']; acceptedAt: number }
  | { status: 'mismatch' }

export interface ClaimDueRequest {
  scope: string
  /** 1 to 1,000. */
  limit: number
  leaseId: string
  leaseMs: number
  lockTtlMs: number
  maxLosses: number
  /** An earlier call with this lease id got no answer. Default `false`. */
  again?: boolean
}

/** A due record that was claimed. `attempt` counts all rounds. */
export interface DueClaim extends RecordId {
  attempt: number
  fencingToken: string
  /** The attempt before was lost. */
  tookOver: boolean
  acceptedAt: number
  accepted: Accepted
  delivery: Uint8Array
}

export interface Backlog {
  /**
   * Records that are pending, failed or running, and not blocked by their group. A store that counts one by one stops at
   * {@link MOST_COUNTED}.
   */
  inLine: number
  /** How long the record that is due longest has been due, in milliseconds; 0: none is. */
  overdueMs: number
  /** Dead records that have not expired. A store that counts one by one looks at {@link MOST_COUNTED}, of this scope or of all. */
  dead: number
}

/** The limit of counting a backlog, which takes some milliseconds. */
export const MOST_COUNTED = 10_000

/** Which records {@link InboxStore.redrive} takes besides dead ones. Default of both: `false`. */
export interface RedriveOptions {
  /** Completed ones, which are processed again. */
  completed?: boolean
  /** Those that wait for their next attempt. */
  waiting?: boolean
}

export type RedriveOutcome = 'redriven' | 'due' | 'absent' | 'busy' | 'completed'

export type FailNext = { dueInMs: number; notBegun?: true } | 'dead'

/** The last error of an accepted record that died of lost attempts. */
export const LOST_ERROR = 'too many attempts ended without a word'
