import { type CurrentRecord, decideClaim, lossesOf } from '../rules.js'
import type { ClaimOutcome, ClaimRequest, RecordId } from '../store.js'
import type { Connections, Row } from './connections.js'
import { decideByRow } from './retry.js'
import { byRequest, type CurrentRow, currentRow } from './rows.js'
import type { Statements } from './statements.js'

/** A key's row as claim.sql inserted or read it. */
interface ClaimRow extends CurrentRow, CurrentRecord {
  token: string
  /** From the server's now, which is {@link NOW}. */
  leaseEndsAt: number
  settledAt: number
  result: Uint8Array | null
  /** The length of the lease at its last claim or renewal. */
  leaseMs: number
}

const NOW = 0

export function createClaims({ run }: Connections, statements: Statements) {
  /** Claims the keys that have no row and reads the rows of the others. `undefined`: a row changed meanwhile. */
  async function insertOrRead(requests: readonly ClaimRequest[], by: number): Promise<(ClaimRow | undefined)[]> {
    const column = <Name extends keyof ClaimRequest>(name: Name) => requests.map(request => request[name])
    const rows = await run(
      statements.claim,
      [
        column('scope'),
        column('key'),
        column('fingerprint'),
        column('leaseId'),
        column('leaseMs'),
        column('lockTtlMs'),
        column('retentionMs'),
        requests.map(({ label = null }) => label),
      ],
      by,
    )
    return byRequest(rows, requests.length, claimRow)
  }

  /** For a lease with more time left than its length: it dates from before the clock stepped back. */
  async function shortenLease(
    { scope, key }: RecordId,
    { leaseId, leaseMs }: ClaimRow,
    by: number,
  ): Promise<ClaimOutcome> {
    await run(statements.shortenLease, [scope, key, leaseId], by)
    return { status: 'running', leaseRemainingMs: leaseMs }
  }

  /** Writes a further attempt, or the first one in an expired row's place. `undefined`: the row has changed. */
  async function write(
    request: ClaimRequest,
    { isExpired, state, token }: ClaimRow,
    losses: number,
    by: number,
  ): Promise<ClaimOutcome | undefined> {
    const { scope, key, fingerprint, label = null, leaseId, leaseMs, lockTtlMs, retentionMs } = request
    const durations = [leaseMs, lockTtlMs, retentionMs]
    const [row] = isExpired
      ? await run(statements.claimExpired, [scope, key, token, fingerprint, leaseId, ...durations, label], by)
      : await run(
          statements.takeOver,
          [scope, key, token, state, fingerprint, losses, leaseId, ...durations, label],
          by,
        )
    return row && acquired(row[0], row[1], !isExpired && state === 'running')
  }

  return {
    insertOrRead,

    decide(request: ClaimRequest, first: ClaimRow | undefined, by: number): Promise<ClaimOutcome> {
      const read = async () => (await insertOrRead([request], by))[0]
      return decideByRow('claims', by, first, read, row => {
        const outcome = outcomeOf(row, request)
        if (outcome?.status === 'running' && outcome.leaseRemainingMs > row.leaseMs) {
          return shortenLease(request, row, by)
        }
        return outcome ?? write(request, row, lossesOf(row), by)
      })
    },
  }
}

/** The outcome of a claim by the contract's rules; `undefined`: an attempt is to be written. */
function outcomeOf(row: ClaimRow, request: ClaimRequest): ClaimOutcome | undefined {
  if (row.isInserted) return acquired(row.attempts, row.token, false)
  if (row.isExpired) return undefined
  switch (decideClaim(row, request, NOW)) {
    case 'mismatch':
      return { status: 'mismatch' }
    case 'completed':
      return { status: 'completed', result: row.result!, completedAt: row.settledAt }
    case 'acquired':
      return acquired(row.attempts, row.token, false)
    case 'running':
      return { status: 'running', leaseRemainingMs: row.leaseEndsAt }
    case 'exhausted':
      return { status: 'exhausted', losses: lossesOf(row) }
    default:
      return undefined
  }
}

function acquired(attempts: unknown, token: unknown, tookOver: boolean): ClaimOutcome {
  return { status: 'acquired', attempt: Number(attempts), fencingToken: String(token), tookOver }
}

function claimRow(row: Row): ClaimRow {
  // By name: a spread that adds fields costs ten times as much.
  const { isInserted, isExpired, state, fingerprint, attempts } = currentRow(row)
  return {
    isInserted,
    isExpired,
    state,
    fingerprint,
    attempts,
    losses: Number(row[6]),
    leaseId: row[7],
    token: String(row[8]),
    leaseEndsAt: Number(row[9]),
    settledAt: Number(row[10]),
    result: row[11],
    leaseMs: Number(row[12]),
    begun: row[13],
  }
}
