import type { RecordSummary } from '../../store.js'

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
  last_error: string | null
  result: Uint8Array | null
}

export function summaryOf(row: Omit<RecordRow, 'result'>, now: number): RecordSummary {
  return {
    scope: row.scope,
    key: row.key,
    state: row.state,
    fingerprint: row.fingerprint,
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
  }
}
