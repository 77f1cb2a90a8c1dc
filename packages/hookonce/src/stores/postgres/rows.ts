import { historyOf, outcomeOf } from '../history.js'
import type { Accepted, RecordId, RecordSummary, StoredRecord } from '../store.js'
import type { Row } from './connections.js'

/** A key that identifies a record within this process. */
export const nameOf = ({ scope, key }: RecordId): string => `${scope.length}:${scope}${key}`

/** Decodes a batch's rows, in the order of its requests. A row begins with the number of its request, from 1 on. */
export function byRequest<T>(rows: readonly Row[], count: number, decode: (row: Row) => T): (T | undefined)[] {
  const decoded: (T | undefined)[] = new Array(count).fill(undefined)
  for (const row of rows) decoded[Number(row[0]) - 1] = decode(row)
  return decoded
}

/** What claim.sql and accept.sql both return of a row. */
export interface CurrentRow {
  isInserted: boolean
  isExpired: boolean
  state: RecordSummary['state']
  fingerprint: string | null
  attempts: number
}

export function currentRow([, isInserted, isExpired, state, fingerprint, attempts]: Row): CurrentRow {
  return { isInserted, isExpired, state, fingerprint, attempts: Number(attempts) }
}

/** Decodes the columns of `get.sql` and of the lists. `pg` returns a bigint as text. */
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

/** Decodes the columns `due_at`, `grp`, `round`, `earlier_attempts`. */
export function acceptedOf([due, group, round, earlier]: Row): Accepted {
  return {
    dueAt: due === null ? null : Number(due),
    group,
    round: Number(round),
    earlierAttempts: Number(earlier),
  }
}

/** Decodes the columns of `get.sql`. */
export function recordOf(row: Row): StoredRecord {
  const summary = summaryOf(row)
  const [outcome, lines, result, delivery] = row.slice(-4)
  const history = historyOf(lines ?? [], { ...summary, outcome: outcome === null ? null : outcomeOf(outcome) })
  return { ...summary, history, result, ...(summary.accepted && { delivery }) }
}
