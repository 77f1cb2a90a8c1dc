import type { Accepted, RecordSummary } from '../../store.js'

/** A row of `records`. */
export interface RecordRow {
  id: number
  scope: string
  key: string
  state: RecordSummary['state']
  fingerprint: string | null
  attempts: number
  losses: number
  lease_id: string
  fencing_token: number
  created_at: number
  claimed_at: number
  lease_ends_at: number
  settled_at: number | null
  expires_at: number
  retention_ms: number
  last_error: string | null
  result: Uint8Array | null
  due_at: number | null
  grp: string | null
  /** `null`: the record was claimed and never accepted. */
  round: number | null
  earlier_attempts: number | null
  /** `null`: it is large and has a row of its own, or the record was never accepted. */
  delivery: Uint8Array | null
  label: string | null
  /** The full length of the lease, as of its claim or last renewal. */
  lease_ms: number
  /** 1: the running attempt is known to have begun. */
  begun: 0 | 1
}

/** A row of `hookonce_histories`, beside that of its record; all `null`: there is none. */
export interface HistoryRow {
  /** The number of the attempt that `outcome` is of. */
  attempt: number | null
  outcome: string | null
  /** Lines of the attempts before the last one. */
  earlier: string | null
}

type AcceptedColumns = Pick<RecordRow, 'due_at' | 'grp' | 'round' | 'earlier_attempts'>

export function acceptedOf({ due_at, grp, round, earlier_attempts }: AcceptedColumns): Accepted | undefined {
  if (round === null) return undefined
  return { dueAt: due_at, group: grp, round, earlierAttempts: earlier_attempts! }
}

export function summaryOf(
  row: Omit<RecordRow, 'result' | 'delivery' | 'retention_ms' | 'lease_ms' | 'begun'>,
  now: number,
): RecordSummary {
  const accepted = acceptedOf(row)
  return {
    scope: row.scope,
    key: row.key,
    state: row.state,
    fingerprint: row.fingerprint,
    label: row.label,
    attempts: row.attempts,
    losses: row.losses,
    leaseId: row.lease_id,
    fencingToken: String(row.fencing_token),
    createdAt: row.created_at,
    claimedAt: row.claimed_at,
    leaseEndsAt: row.lease_ends_at,
    leaseRemainingMs: row.state === 'running' ? Math.max(0, row.lease_ends_at - now) : 0,
    settledAt: row.settled_at,
    expiresAt: row.expires_at,
    lastError: row.last_error,
    ...(accepted && { accepted }),
  }
}
