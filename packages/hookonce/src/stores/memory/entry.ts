import type { AcceptRequest, DueClaim } from '../inbox-store.js'
import {
  type ClaimOutcome,
  type ClaimRequest,
  lostError,
  NEVER,
  type RecordSummary,
  type StoredRecord,
} from '../store.js'

/** One record as the store keeps it. */
export interface Entry extends Omit<StoredRecord, 'leaseRemainingMs'> {
  /** Its place in the order of creation, by which pages are cut. */
  readonly ordinal: number
  lockTtlMs: number
  retentionMs: number
  /** Whether the attempt that runs is known to have begun. */
  begun: boolean
}

export function newEntry(request: ClaimRequest, ordinal: number, at: number, fencingToken: string): Entry {
  const entry: Entry = {
    ordinal,
    scope: request.scope,
    key: request.key,
    state: 'running',
    fingerprint: null,
    label: null,
    attempts: 0,
    losses: 0,
    leaseId: request.leaseId,
    fencingToken,
    createdAt: at,
    claimedAt: at,
    leaseEndsAt: at,
    settledAt: null,
    expiresAt: at,
    lastError: null,
    result: null,
    lockTtlMs: request.lockTtlMs,
    retentionMs: request.retentionMs,
    begun: true,
  }
  takeOver(entry, request, at, fencingToken)
  return entry
}

export function acceptedEntry(request: AcceptRequest, ordinal: number, at: number): Entry {
  const { scope, key, fingerprint, label = null, acceptId, retentionMs, delivery, group } = request
  return {
    ordinal,
    scope,
    key,
    state: 'pending',
    fingerprint,
    label,
    attempts: 0,
    losses: 0,
    leaseId: acceptId,
    fencingToken: '0',
    createdAt: at,
    claimedAt: at,
    leaseEndsAt: at,
    settledAt: null,
    expiresAt: NEVER,
    lastError: null,
    result: null,
    lockTtlMs: 0,
    retentionMs,
    begun: false,
    delivery: copyOf(delivery),
    accepted: { dueAt: null, group, round: 1, earlierAttempts: 0 },
  }
}

/** The attempt that runs is over without a word. */
export function lose(entry: Entry): void {
  entry.lastError = lostError(entry.attempts)
  if (entry.begun) entry.losses++
  else entry.accepted!.earlierAttempts++
}

/** Starts the next attempt. */
export function takeOver(
  entry: Entry,
  request: Omit<ClaimRequest, 'key' | 'fingerprint' | 'maxLosses'> & { fingerprint?: string | null },
  at: number,
  fencingToken: string,
): void {
  entry.state = 'running'
  entry.settledAt = null
  entry.attempts++
  entry.fingerprint ??= request.fingerprint ?? null
  entry.label ??= request.label ?? null
  entry.leaseId = request.leaseId
  entry.fencingToken = fencingToken
  entry.claimedAt = at
  entry.begun = true
  entry.lockTtlMs = request.lockTtlMs
  entry.retentionMs = request.retentionMs
  setLease(entry, at, request.leaseMs)
}

export function setLease(entry: Entry, at: number, leaseMs: number): void {
  entry.leaseEndsAt = Math.min(at + leaseMs, entry.claimedAt + entry.lockTtlMs)
  entry.expiresAt = entry.accepted ? NEVER : entry.leaseEndsAt + Math.max(entry.lockTtlMs, entry.retentionMs)
}

/** An accepted record that failed is still to be attempted. */
export function settle(entry: Entry, state: 'completed' | 'failed' | 'dead', at: number): void {
  entry.state = state
  entry.settledAt = at
  entry.expiresAt = state === 'failed' && entry.accepted ? NEVER : at + entry.retentionMs
}

/** What is left of the lease; 0 unless running under a live one. */
export function remaining(entry: Entry, at: number): number {
  return entry.state === 'running' ? Math.max(0, entry.leaseEndsAt - at) : 0
}

export function summaryOf(entry: Entry, at: number): RecordSummary {
  const { ordinal, lockTtlMs, retentionMs, begun, result, delivery, accepted, ...summary } = entry
  return { ...summary, ...(accepted && { accepted: { ...accepted } }), leaseRemainingMs: remaining(entry, at) }
}

export function acquired({ attempts, fencingToken }: Entry, tookOver: boolean): ClaimOutcome {
  return { status: 'acquired', attempt: attempts, fencingToken, tookOver }
}

export function dueClaim(
  { scope, key, attempts, fencingToken, createdAt, accepted, delivery }: Entry,
  tookOver: boolean,
): DueClaim {
  return {
    scope,
    key,
    attempt: attempts,
    fencingToken,
    tookOver,
    acceptedAt: createdAt,
    accepted: { ...accepted! },
    delivery: copyOf(delivery!),
  }
}

/** Neither the caller's buffer nor the one that is handed out is the record's. Small ones come from Node's pool. */
export function copyOf(bytes: Uint8Array): Uint8Array {
  return Buffer.from(bytes)
}
