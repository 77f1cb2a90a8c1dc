import { lastAttempt, MAX_HISTORY } from '../history.js'
import type { AcceptRequest, DueClaim, FailNext } from '../inbox-store.js'
import { expiryOf, remainingLease } from '../rules.js'
import {
  type AttemptOutcome,
  type ClaimOutcome,
  type ClaimRequest,
  type Failure,
  lostError,
  MAX_ERROR_LENGTH,
  NEVER,
  type RecordedAttempt,
  type RecordSummary,
  type StoredRecord,
} from '../store.js'
import type { Turn } from './time-queue.js'

/** What starts an attempt. */
type Attempt = Pick<ClaimRequest, 'leaseId' | 'leaseMs' | 'lockTtlMs'> &
  Partial<Pick<ClaimRequest, 'fingerprint' | 'label' | 'retentionMs'>>

/** A record and what each operation changes in it. */
export class MemoryRecord implements Omit<StoredRecord, 'leaseRemainingMs' | 'history'> {
  readonly scope: string
  readonly key: string
  state: RecordSummary['state'] = 'pending'
  fingerprint: string | null
  label: string | null
  attempts = 0
  losses = 0
  leaseId = ''
  fencingToken = '0'
  readonly createdAt: number
  claimedAt: number
  leaseEndsAt: number
  settledAt: number | null = null
  expiresAt = NEVER
  lastError: string | null = null
  result: Uint8Array | null = null
  delivery?: Uint8Array
  accepted?: NonNullable<StoredRecord['accepted']>
  /** Its place in the order of creation. */
  readonly ordinal: number
  lockTtlMs = 0
  retentionMs: number
  /** Whether the running attempt is known to have begun. */
  begun = false
  dueTurn: Turn<MemoryRecord> | undefined
  #earlier: RecordedAttempt[] = []
  /** How the last attempt failed. */
  outcome: AttemptOutcome | null = null

  constructor(request: ClaimRequest | AcceptRequest, ordinal: number, now: number) {
    this.scope = request.scope
    this.key = request.key
    this.fingerprint = request.fingerprint
    this.label = request.label ?? null
    this.retentionMs = request.retentionMs
    this.createdAt = now
    this.claimedAt = now
    this.leaseEndsAt = now
    this.ordinal = ordinal
    if (!('acceptId' in request)) return
    this.leaseId = request.acceptId
    this.delivery = ownCopyOf(request.delivery)
    this.accepted = { dueAt: now + request.delayMs, group: request.group, round: 1, earlierAttempts: 0 }
  }

  start(attempt: Attempt, now: number, fencingToken: string): void {
    this.#keepLast(now)
    this.state = 'running'
    this.settledAt = null
    this.attempts++
    this.fingerprint ??= attempt.fingerprint ?? null
    this.label ??= attempt.label ?? null
    this.leaseId = attempt.leaseId
    this.fencingToken = fencingToken
    this.claimedAt = now
    this.lockTtlMs = attempt.lockTtlMs
    this.retentionMs = attempt.retentionMs ?? this.retentionMs
    this.extendLease(attempt.leaseMs, now)
  }

  /** Only an attempt that has begun is renewed. */
  extendLease(leaseMs: number, now: number): void {
    this.begun = true
    this.leaseEndsAt = Math.min(now + leaseMs, this.claimedAt + this.lockTtlMs)
    this.expiresAt = this.accepted ? NEVER : expiryOf(this.leaseEndsAt, this)
    if (this.accepted) this.accepted.dueAt = this.leaseEndsAt
  }

  /** The running attempt's lease ended without a word. */
  lose(): void {
    this.lastError = lostError(this.attempts)
    if (this.begun) this.losses++
    else this.accepted!.earlierAttempts++
  }

  complete(result: Uint8Array, now: number): void {
    this.#settle('completed', now)
    this.result = ownCopyOf(result)
  }

  fail({ error, outcome }: Failure, next: FailNext, now: number): void {
    this.#settle(this.accepted && next === 'dead' ? 'dead' : 'failed', now)
    this.lastError = error.slice(0, MAX_ERROR_LENGTH)
    this.outcome = outcome
    if (this.accepted === undefined || next === 'dead') return
    this.expiresAt = NEVER
    this.accepted.dueAt = now + next.dueInMs
    if (next.notBegun) this.accepted.earlierAttempts++
  }

  die(error: string, now: number): void {
    this.#settle('dead', now)
    this.lastError = error
    this.outcome = 'lost'
  }

  #settle(state: 'completed' | 'failed' | 'dead', now: number): void {
    this.state = state
    this.settledAt = now
    this.expiresAt = now + this.retentionMs
    if (this.accepted) this.accepted.dueAt = null
  }

  /** A new round of an accepted record. */
  redrive(now: number): void {
    this.#keepLast(now)
    this.state = 'pending'
    this.losses = 0
    this.settledAt = null
    this.expiresAt = NEVER
    this.result = null
    const { round, group } = this.accepted!
    this.accepted = { dueAt: now, group, round: round + 1, earlierAttempts: this.attempts }
  }

  summary(now: number): RecordSummary {
    const { ordinal, lockTtlMs, retentionMs, begun, dueTurn, outcome, result, delivery, accepted, ...summary } = this
    return { ...summary, ...(accepted && { accepted: { ...accepted } }), leaseRemainingMs: remainingLease(this, now) }
  }

  #keepLast(now: number): void {
    this.#earlier = [...this.#earlier, ...lastAttempt(this, now)].slice(1 - MAX_HISTORY)
  }

  stored(now: number): StoredRecord {
    const { result, delivery } = this
    const history = [...this.#earlier, ...lastAttempt(this)]
    const record = { ...this.summary(now), history, result: result && copyOf(result) }
    return delivery ? { ...record, delivery: copyOf(delivery) } : record
  }

  acquired(tookOver: boolean): ClaimOutcome {
    return { status: 'acquired', attempt: this.attempts, fencingToken: this.fencingToken, tookOver }
  }

  dueClaim(tookOver: boolean): DueClaim {
    const { scope, key, attempts: attempt, fencingToken, createdAt: acceptedAt } = this
    const accepted = { ...this.accepted! }
    return { scope, key, attempt, fencingToken, tookOver, acceptedAt, accepted, delivery: copyOf(this.delivery!) }
  }
}

/** For the caller. */
export const copyOf = (bytes: Uint8Array): Uint8Array => Buffer.from(bytes)

/** For the record. `Buffer.from` would keep the 8 KiB of Node's pool that a small one lies in. */
const ownCopyOf = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes)
