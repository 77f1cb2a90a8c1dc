import type { AcceptOutcome, AcceptRequest } from '../inbox-store.js'
import type { RecordSummary } from '../store.js'
import { joined } from './byte-arrays.js'
import type { Connections, Row } from './connections.js'
import { Failure } from './errors.js'
import type { Statements } from './statements.js'

/** What stands on a key. */
interface Standing {
  isInserted: boolean
  isExpired: boolean
  state: RecordSummary['state']
  fingerprint: string | null
  attempts: number
  acceptId: string
  token: string
  createdAt: number
}

export function createAccepting({ run }: Connections, statements: Statements) {
  /** Accepts keys that have no row, and tells what stands on each; `undefined`: ask again. */
  async function look(requests: readonly AcceptRequest[], by: number): Promise<(Standing | undefined)[]> {
    const column = <Name extends keyof AcceptRequest>(name: Name) => requests.map(request => request[name])
    const deliveries = joined(requests.map(({ delivery }) => delivery))
    const rows = await run(
      statements.accept,
      [
        column('scope'),
        column('key'),
        column('fingerprint'),
        column('acceptId'),
        column('retentionMs'),
        column('delayMs'),
        column('group'),
        requests.map(({ label = null }) => label),
        deliveries.starts,
        deliveries.lengths,
        deliveries.bytes,
      ],
      by,
    )
    const standings: (Standing | undefined)[] = new Array(requests.length).fill(undefined)
    for (const row of rows) standings[Number(row[0]) - 1] = standingOf(row)
    return standings
  }

  /** Accepts in an expired row's place; `undefined`: the record has changed. */
  async function acceptAnew(request: AcceptRequest, token: string, by: number): Promise<AcceptOutcome | undefined> {
    const { scope, key, fingerprint, label = null, acceptId, retentionMs, delayMs, group } = request
    const delivery = joined([request.delivery]).bytes
    const [row] = await run(
      statements.acceptAnew,
      [scope, key, token, fingerprint, acceptId, retentionMs, delayMs, group, label, delivery],
      by,
    )
    return row && { status: 'accepted', acceptedAt: Number(row[0]) }
  }

  return {
    look,

    /** Goes on from what stands there until there is an answer. */
    async settle(request: AcceptRequest, found: Standing | undefined, by: number): Promise<AcceptOutcome> {
      for (let standing = found; ; [standing] = await look([request], by)) {
        if (standing !== undefined) {
          const outcome = answerOf(standing, request) ?? (await acceptAnew(request, standing.token, by))
          if (outcome !== undefined) return outcome
        }
        if (performance.now() >= by) throw new Failure(new Error('too many acceptances of one key'), 'refused', false)
      }
    },
  }
}

/** What an acceptance gets from the record as it stands; `undefined`: it may be written. The contract's order. */
function answerOf(standing: Standing, request: AcceptRequest): AcceptOutcome | undefined {
  const { isInserted, isExpired, state, fingerprint, attempts, createdAt } = standing
  if (isInserted) return { status: 'accepted', acceptedAt: createdAt }
  if (isExpired) return undefined
  if (fingerprint !== null && request.fingerprint !== null && fingerprint !== request.fingerprint) {
    return { status: 'mismatch' }
  }
  const isThis = state === 'pending' && attempts === 0 && standing.acceptId === request.acceptId
  return isThis ? { status: 'accepted', acceptedAt: createdAt } : { status: 'known', state, acceptedAt: createdAt }
}

/** `pg` hands out a bigint as text. */
function standingOf(row: Row): Standing {
  return {
    isInserted: row[1],
    isExpired: row[2],
    state: row[3],
    fingerprint: row[4],
    attempts: Number(row[5]),
    acceptId: row[6],
    token: String(row[7]),
    createdAt: Number(row[8]),
  }
}
