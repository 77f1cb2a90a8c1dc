import type { RecordSummary } from '../../store.js'
import type { Row } from './connections.js'

/** Of the columns of `get.sql` and `list.sql`, in their order. `pg` hands out a bigint as text. */
export function summaryOf(row: Row): RecordSummary {
  const [, scope, key, state, fingerprint, attempts, losses, leaseId, token, ...rest] = row
  const [created, claimed, ends, settled, expires, lastError, remaining] = rest
  return {
    scope,
    key,
    state,
    fingerprint,
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
  }
}
