import type { AcceptRequest, RedriveOptions, RedriveOutcome } from './inbox-store.js'
import type { ClaimRequest, Failure, RecordSummary } from './store.js'

/*
 * The contract's decisions, for stores that decide in TypeScript. The record is one that has not expired; `undefined` means
 * that the operation may write.
 */

/** What the decisions depend on. */
export interface CurrentRecord
  extends Pick<RecordSummary, 'state' | 'fingerprint' | 'attempts' | 'losses' | 'leaseId' | 'leaseEndsAt'> {
  /** Whether the running attempt is known to have begun. */
  begun: boolean | 0 | 1
}

export function decideClaim(
  record: CurrentRecord,
  request: Pick<ClaimRequest, 'fingerprint' | 'leaseId' | 'maxLosses'>,
  now: number,
): 'mismatch' | 'completed' | 'acquired' | 'running' | 'exhausted' | undefined {
  if (differ(record.fingerprint, request.fingerprint)) return 'mismatch'
  if (record.state === 'completed') return 'completed'
  if (record.state === 'running' && record.leaseId === request.leaseId) return 'acquired'
  if (remainingLease(record, now) > 0) return 'running'
  return record.state === 'dead' || lossesOf(record) >= request.maxLosses ? 'exhausted' : undefined
}

export function decideAccept(
  record: Pick<CurrentRecord, 'state' | 'fingerprint' | 'attempts' | 'leaseId'>,
  request: Pick<AcceptRequest, 'fingerprint' | 'acceptId'>,
): 'mismatch' | 'accepted' | 'known' {
  if (differ(record.fingerprint, request.fingerprint)) return 'mismatch'
  const isRepeated = record.state === 'pending' && record.attempts === 0 && record.leaseId === request.acceptId
  return isRepeated ? 'accepted' : 'known'
}

export function decideComplete(record: CurrentRecord | undefined, leaseId: string): 'completed' | 'fenced' | undefined {
  if (record?.leaseId !== leaseId) return 'fenced'
  if (record.state === 'completed') return 'completed'
  return record.state === 'running' ? undefined : 'fenced'
}

export function decideFail(record: CurrentRecord | undefined, leaseId: string): 'failed' | 'fenced' | undefined {
  if (record?.leaseId !== leaseId) return 'fenced'
  if (record.state === 'failed' || record.state === 'dead') return 'failed'
  return record.state === 'running' ? undefined : 'fenced'
}

/** Of an accepted record. `redriven` and `due` are what is to be written. */
export function decideRedrive(
  { state }: Pick<CurrentRecord, 'state'>,
  { completed, waiting }: RedriveOptions,
): Exclude<RedriveOutcome, 'absent'> {
  if (state === 'completed') return completed ? 'redriven' : state
  if (state === 'dead') return 'redriven'
  return waiting && state !== 'running' ? 'due' : 'busy'
}

/** 0 unless the record runs under a live lease. */
export function remainingLease(
  { state, leaseEndsAt }: Pick<CurrentRecord, 'state' | 'leaseEndsAt'>,
  now: number,
): number {
  return state === 'running' ? Math.max(0, leaseEndsAt - now) : 0
}

/** Counts a running attempt too, which is lost if its lease is over. */
export function lossesOf({ losses, state, begun }: Pick<CurrentRecord, 'losses' | 'state' | 'begun'>): number {
  return losses + (state === 'running' && begun ? 1 : 0)
}

/** When a running record expires that was only claimed. */
export function expiryOf(leaseEndsAt: number, { lockTtlMs, retentionMs }: { lockTtlMs: number; retentionMs: number }) {
  return leaseEndsAt + Math.max(lockTtlMs, retentionMs)
}

/** What an attempt failed at, whichever way its holder says it. */
export const asFailure = (failure: string | Failure): Failure =>
  typeof failure === 'string' ? { error: failure, outcome: 'threw' } : failure

function differ(one: string | null, other: string | null): boolean {
  return one !== null && other !== null && one !== other
}
