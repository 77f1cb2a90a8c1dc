import type { Accepted, ClaimRequest, RecordId, RecordSummary, Store } from './store.js'

/**
 * A store whose records can be queue entries too: accepted now, attempted later, again and again until they completed
 * or died. One atomic write dedupes, stores and enqueues.
 *
 * An accepted record does not expire before it is settled for good: completed, or dead; then its retention begins.
 * What {@link Store} says of claim, renew, complete, fail and delete holds for it as well, with these additions:
 *
 * - claim: a pending record is acquired as a failed one is, whether due or not; a dead one is `exhausted`;
 * - renew moves the time it is due to the new end of the lease;
 * - complete settles it: nothing is due any more;
 * - fail says what is to come next.
 */
export interface InboxStore extends Store {
  /**
   * Stores a delivery with its record, to be attempted later. Rules, in this order:
   *
   * 1. the record's fingerprint and the request's are both known and differ → `mismatch`, in every state;
   * 2. pending under this very acceptance, never attempted → `accepted` again (a command that a driver sent twice);
   * 3. there is a record → `known`, nothing written;
   * 4. otherwise → `accepted`: pending, without attempts, due after `delayMs`.
   */
  accept(request: AcceptRequest): Promise<AcceptOutcome>

  /**
   * Takes at most `limit` due records of a scope, those first that have been due longest, and starts an attempt of each
   * as `claim` does: attempts + 1, a lease, a larger fencing token. Due are pending and failed records whose time has
   * come, and running ones whose lease is over: those are taken over (`tookOver`, {@link lostError}).
   *
   * Whoever takes many may end before he begins them all, so an attempt that was taken counts as begun from its first
   * renewal on. One that had begun and is taken over is a loss; a record that thus has lost `maxLosses` attempts dies
   * instead, with {@link LOST_ERROR} as its last error. One that had not counts neither as a loss nor in its round:
   * `earlierAttempts` grows.
   *
   * A record of a group is left alone while an earlier one of its group is pending, running or failed. One that was
   * redriven is in its old place again; whether it waits for a later one that runs already is up to the store.
   *
   * All records of one call are held under the same lease id. Where an answer did not come, the same is asked `again`:
   * what runs under the lease id is given once more, and only if nothing does is anything taken. The store waits for its
   * server as long as the leases last: what is taken is of use until then.
   */
  claimDue(request: ClaimDueRequest): Promise<DueClaim[]>

  /**
   * As {@link Store.fail}. `next` says what becomes of an accepted record: due again after so long (default: at once),
   * or `dead`, to be looked at by a person. It means nothing for others. With `notBegun` the attempt does
   * not count in its round: `earlierAttempts` grows.
   */
  fail(id: RecordId, leaseId: string, error: string, next?: FailNext): Promise<'failed' | 'fenced'>

  /**
   * Begins a new round for an accepted record that is dead, or, if that is asked for, completed, whose result goes. It is
   * pending and due at once; attempts are counted on, losses anew. Else nothing is written: `busy`, it is pending,
   * running or failed; `completed`, and that was not asked for; `absent`, there is no accepted record.
   */
  redrive(id: RecordId, options?: { completed?: boolean }): Promise<RedriveOutcome>

  /**
   * How much there is to do in a scope, in bounded time however many records there are: see {@link Backlog}. For
   * operators; nothing is decided by it.
   */
  backlog(scope: string): Promise<Backlog>

  /**
   * Where the store can push: tells every process that watches the scope that something in it is due, and calls `wake`
   * when one tells so. Neither throws; a push may be lost, so workers look from time to time all the same.
   */
  announceDue?(scope: string): void
  watchDue?(scope: string, wake: () => void): () => void
}

export const isInboxStore = (store: Store): store is InboxStore => 'claimDue' in store

export interface AcceptRequest extends RecordId {
  fingerprint: string | null
  /** As in a {@link ClaimRequest}. */
  label?: string | null
  /** Random name of this acceptance. */
  acceptId: string
  /** What is to be attempted; the store keeps it as it is. */
  delivery: Uint8Array
  /** How long the record is kept once it completed or died. */
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
  /** It was asked before under this lease id, and no answer came. Default `false`. */
  again?: boolean
}

/** A due record, taken. `attempt` counts all rounds. */
export interface DueClaim extends RecordId {
  attempt: number
  fencingToken: string
  /** Its attempt before ended without a word. */
  tookOver: boolean
  acceptedAt: number
  accepted: Accepted
  delivery: Uint8Array
}

export interface Backlog {
  /**
   * Records that are pending, failed or running, of a group only the one whose turn it is. A store that counts one by
   * one stops at {@link MOST_COUNTED}.
   */
  inLine: number
  /** For how long the record has been due that has been due longest, in milliseconds; 0: none is. */
  overdueMs: number
  /** Dead records; absent where the store keeps no order of them. Among {@link MOST_COUNTED} of all scopes at most. */
  dead?: number
}

/** As far as a backlog is counted: some milliseconds' work. */
export const MOST_COUNTED = 10_000

export type RedriveOutcome = 'redriven' | 'absent' | 'busy' | 'completed'

export type FailNext = { dueInMs: number; notBegun?: true } | 'dead'

/** The last error of an accepted record that died of lost attempts. */
export const LOST_ERROR = 'too many attempts ended without a word'
