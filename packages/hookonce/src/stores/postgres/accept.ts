import type { AcceptOutcome, AcceptRequest } from '../inbox-store.js'
import { decideAccept } from '../rules.js'
import { joined } from './byte-arrays.js'
import type { Connections, Row } from './connections.js'
import { decideByRow } from './retry.js'
import { byRequest, type CurrentRow, currentRow } from './rows.js'
import type { Statements } from './statements.js'

/** A key's row as accept.sql inserted or read it. */
interface AcceptRow extends CurrentRow {
  leaseId: string
  token: string
  createdAt: number
}

export function createAcceptances({ run }: Connections, statements: Statements) {
  /** Accepts the keys that have no row and reads the rows of the others. `undefined`: a row changed meanwhile. */
  async function insertOrRead(requests: readonly AcceptRequest[], by: number): Promise<(AcceptRow | undefined)[]> {
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
    return byRequest(rows, requests.length, acceptRow)
  }

  /** Accepts in an expired row's place. `undefined`: the row has changed. */
  async function acceptExpired(request: AcceptRequest, token: string, by: number): Promise<AcceptOutcome | undefined> {
    const { scope, key, fingerprint, label = null, acceptId, retentionMs, delayMs, group } = request
    const delivery = joined([request.delivery]).bytes
    const [row] = await run(
      statements.acceptExpired,
      [scope, key, token, fingerprint, acceptId, retentionMs, delayMs, group, label, delivery],
      by,
    )
    return row && { status: 'accepted', acceptedAt: Number(row[0]) }
  }

  return {
    insertOrRead,

    decide(request: AcceptRequest, first: AcceptRow | undefined, by: number): Promise<AcceptOutcome> {
      const read = async () => (await insertOrRead([request], by))[0]
      return decideByRow(
        'acceptances',
        by,
        first,
        read,
        async row => outcomeOf(row, request) ?? acceptExpired(request, row.token, by),
      )
    },
  }
}

/** The outcome of an acceptance by the contract's rules; `undefined`: it is to be written. */
function outcomeOf(row: AcceptRow, request: AcceptRequest): AcceptOutcome | undefined {
  const { isInserted, isExpired, state, createdAt: acceptedAt } = row
  if (isInserted) return { status: 'accepted', acceptedAt }
  if (isExpired) return undefined
  const status = decideAccept(row, request)
  if (status === 'mismatch') return { status }
  return status === 'accepted' ? { status, acceptedAt } : { status, state, acceptedAt }
}

function acceptRow(row: Row): AcceptRow {
  const { isInserted, isExpired, state, fingerprint, attempts } = currentRow(row)
  const [leaseId, token, createdAt] = [row[6], String(row[7]), Number(row[8])]
  return { isInserted, isExpired, state, fingerprint, attempts, leaseId, token, createdAt }
}
