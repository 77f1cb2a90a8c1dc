import type { ClaimOutcome, ClaimRequest, RecordId } from '../store.js'
import type { Connections, Row } from './connections.js'
import { Failure } from './errors.js'
import type { Statements } from './statements.js'

/** What stands on a key. */
interface Standing {
  isInserted: boolean
  isExpired: boolean
  state: string
  fingerprint: string | null
  attempts: number
  losses: number
  leaseId: string
  token: string
  leaseRemainingMs: number
  settledAt: number
  result: Uint8Array | null
  /** How long the lease was to last that was taken or renewed last. */
  leaseMs: number
  begun: boolean
}

export function createClaiming({ run }: Connections, statements: Statements) {
  /** Takes keys that have no row, and tells what stands on each; `undefined`: ask again. */
  async function look(requests: readonly ClaimRequest[], by: number): Promise<(Standing | undefined)[]> {
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
    const standings: (Standing | undefined)[] = new Array(requests.length).fill(undefined)
    for (const row of rows) standings[Number(row[0]) - 1] = standingOf(row)
    return standings
  }

  /** A lease that ends further ahead than it was to last was taken before the clock stepped back. */
  async function cutLease({ scope, key }: RecordId, { leaseId, leaseMs }: Standing, by: number): Promise<ClaimOutcome> {
    await run(statements.cutLease, [scope, key, leaseId], by)
    return { status: 'running', leaseRemainingMs: leaseMs }
  }

  /** Writes a further attempt, or the first one in an expired row's place; `undefined`: the record has changed. */
  async function write(
    request: ClaimRequest,
    { isExpired, state, token }: Standing,
    losses: number,
    by: number,
  ): Promise<ClaimOutcome | undefined> {
    const { scope, key, fingerprint, label = null, leaseId, leaseMs, lockTtlMs, retentionMs } = request
    const durations = [leaseMs, lockTtlMs, retentionMs]
    const [row] = isExpired
      ? await run(statements.beginAnew, [scope, key, token, fingerprint, leaseId, ...durations, label], by)
      : await run(
          statements.takeOver,
          [scope, key, token, state, fingerprint, losses, leaseId, ...durations, label],
          by,
        )
    return row && acquired(row[0], row[1], !isExpired && state === 'running')
  }

  return {
    look,

    /** Goes on from what stands there until there is an answer: who takes a key over may be overtaken. */
    async settle(request: ClaimRequest, found: Standing | undefined, by: number): Promise<ClaimOutcome> {
      for (let standing = found; ; [standing] = await look([request], by)) {
        if (standing !== undefined) {
          const answer = answerOf(standing, request)
          if (answer?.status === 'running' && answer.leaseRemainingMs > standing.leaseMs) {
            return cutLease(request, standing, by)
          }
          const outcome = answer ?? (await write(request, standing, lossesOf(standing), by))
          if (outcome !== undefined) return outcome
        }
        if (performance.now() >= by) throw new Failure(new Error('too many claims of one key'), 'refused', false)
      }
    },
  }
}

/** What a claim gets from the record as it stands; `undefined`: it may be written. The contract's order. */
function answerOf(standing: Standing, request: ClaimRequest): ClaimOutcome | undefined {
  const { state, fingerprint, attempts, token, leaseRemainingMs } = standing
  if (standing.isInserted) return acquired(attempts, token, false)
  if (standing.isExpired) return undefined
  if (fingerprint !== null && request.fingerprint !== null && fingerprint !== request.fingerprint) {
    return { status: 'mismatch' }
  }
  if (state === 'completed') return { status: 'completed', result: standing.result!, completedAt: standing.settledAt }
  if (state === 'running') {
    if (standing.leaseId === request.leaseId) return acquired(attempts, token, false)
    if (leaseRemainingMs > 0) return { status: 'running', leaseRemainingMs }
  }
  const losses = lossesOf(standing)
  return state === 'dead' || losses >= request.maxLosses ? { status: 'exhausted', losses } : undefined
}

/** A running record whose lease is over is a loss that nobody has written down yet, if its attempt had begun. */
function lossesOf({ state, losses, begun }: Standing): number {
  return losses + (state === 'running' && begun ? 1 : 0)
}

function acquired(attempts: unknown, token: unknown, tookOver: boolean): ClaimOutcome {
  return { status: 'acquired', attempt: Number(attempts), fencingToken: String(token), tookOver }
}

/** `pg` hands out a bigint as text. */
function standingOf(row: Row): Standing {
  return {
    isInserted: row[1],
    isExpired: row[2],
    state: row[3],
    fingerprint: row[4],
    attempts: Number(row[5]),
    losses: Number(row[6]),
    leaseId: row[7],
    token: String(row[8]),
    leaseRemainingMs: Number(row[9]),
    settledAt: Number(row[10]),
    result: row[11],
    leaseMs: Number(row[12]),
    begun: row[13],
  }
}
