import type { Accepted, RecordSummary, StoredRecord } from '../store.js'
import type { Row } from './connections.js'

/** Of the columns of `get.sql`, `list.sql` and their like, in their order. `pg` hands out a bigint as text. */
export function summaryOf(row: Row): RecordSummary {
  const [, scope, key, state, fingerprint, attempts, losses, leaseId, token, ...rest] = row
  const [created, claimed, ends, settled, expires, lastError, remaining, ...accepted] = rest
  const isAccepted = accepted[2] !== null
  const label = accepted[4]
  return {
    scope,
    key,
    state,
    fingerprint,
    label,
    attempts: Number(attempts),
    losses: Number(losses),
    leaseId,
    fencingToken: String(token),
    createdAt: Number(created),
    claimedAt: Number(claimed),
    leaseEndsAt: Number(ends),
    leaseRemainingMs: state === 'running' ? Math.max(0, Number(remaining)) : 0,
    settledAt: settled === null ? null : Number(settled),
    expiresAt: Number(expires),
    lastError,
    ...(isAccepted && { accepted: acceptedOf(accepted) }),
  }
}

/** Of the columns `due_at`, `grp`, `round`, `earlier_attempts`. */
export function acceptedOf([due, group, round, earlier]: Row): Accepted {
  return {
    dueAt: due === null ? null : Number(due),
    group,
    round: Number(round),
    earlierAttempts: Number(earlier),
  }
}

/** Of the columns of `get.sql`. */
export function recordOf(row: Row): StoredRecord {
  const summary = summaryOf(row)
  const [result, delivery] = row.slice(-2)
  return { ...summary, result, ...(summary.accepted && { delivery }) }
}
