import {
  type AcceptOutcome,
  type AcceptRequest,
  type Backlog,
  type ClaimDueRequest,
  type DueClaim,
  LOST_ERROR,
  MOST_COUNTED,
  type RedriveOutcome,
} from '../../inbox-store.js'
import { decideAccept, decideRedrive, lossesOf } from '../../rules.js'
import type { Payloads } from '../messages.js'
import { sql } from '../sql.generated.js'
import type { Database } from './driver.js'
import { currentOf, type Found, type Records, unexpired } from './records.js'
import { acceptedOf, type RecordRow } from './rows.js'

/** One outcome ends after the delivery that reaches this limit, because deliveries are copied twice on their way. */
const MAX_BYTES_PER_CLAIM = 16 * 1024 * 1024

/**
 * A larger delivery has a row of its own, because a record is written again at each step, with the delivery that is in
 * it.
 */
const MAX_BYTES_IN_RECORD = 1024

/** A row of `due.sql`. */
type Due = Omit<Found, 'scope' | 'fingerprint' | 'lease_id' | 'lease_ends_at' | 'lease_ms' | 'settled_at' | 'result'> &
  Pick<RecordRow, 'retention_ms' | 'earlier_attempts' | 'delivery'>

/** The columns of a {@link DueClaim}. */
type Leased = Pick<
  RecordRow,
  | 'id'
  | 'key'
  | 'attempts'
  | 'fencing_token'
  | 'created_at'
  | 'due_at'
  | 'grp'
  | 'round'
  | 'earlier_attempts'
  | 'delivery'
>

/** The inbox's part of the contract. As in {@link createOperations}, each function is one operation. */
export function createInboxOperations(db: Database, records: Records) {
  const statement = {
    accept: db.prepare(sql.accept),
    insertDelivery: db.prepare(sql.insertDelivery),
    due: db.prepare(sql.due),
    listLeased: db.prepare(sql.listLeased),
    bury: db.prepare(sql.bury),
    redrive: db.prepare(sql.redrive),
    holdNext: db.prepare(sql.holdNext),
    makeDue: db.prepare(sql.makeDue),
    backlog: db.prepare(sql.backlog),
    countDead: db.prepare(sql.countDead),
  }

  /** The outcome for a record that exists; `undefined`: there is none, and a new one is written. */
  function outcomeOf(found: Found | undefined, request: AcceptRequest): AcceptOutcome | undefined {
    if (found === undefined) return undefined
    const status = decideAccept(currentOf(found), request)
    if (status === 'mismatch') return { status }
    const { state, created_at: acceptedAt } = found
    return status === 'accepted' ? { status, acceptedAt } : { status, state, acceptedAt }
  }

  const due = (scope: string, now: number, limit: number) => statement.due.all(scope, now, limit) as unknown as Due[]

  function take(row: Due, request: ClaimDueRequest, now: number): DueClaim {
    const { scope, leaseId, leaseMs, lockTtlMs } = request
    const { retention_ms: retentionMs } = row
    const start = { fingerprint: null, leaseId, leaseMs, lockTtlMs, retentionMs, begun: false }
    const fencing_token = records.takeOver(row, start, now)
    const tookOver = row.state === 'running'
    const leased = {
      ...row,
      ...{ attempts: row.attempts + 1, fencing_token, due_at: now + Math.min(leaseMs, lockTtlMs) },
      earlier_attempts: row.earlier_attempts! + (tookOver && !row.begun ? 1 : 0),
    }
    return dueClaim(scope, leased, tookOver)
  }

  function dueClaim(scope: string, row: Leased, tookOver: boolean): DueClaim {
    return {
      ...{ scope, key: row.key, attempt: row.attempts, fencingToken: String(row.fencing_token), tookOver },
      ...{ acceptedAt: row.created_at, accepted: acceptedOf(row)!, delivery: records.deliveryOf(row) },
    }
  }

  /** What an earlier call under this lease id has claimed, if the request says that there was one. */
  function claimedBefore({ scope, leaseId, again }: ClaimDueRequest, now: number): DueClaim[] {
    if (!again) return []
    const rows = statement.listLeased.all(scope, now, leaseId) as unknown as Leased[]
    return rows.map(row => dueClaim(scope, row, false))
  }

  /** A large delivery gets its row here, and its id is the record's; a small one goes into the record. */
  function placed(delivery: Uint8Array): [id: number | bigint | null, delivery: Uint8Array | null] {
    if (delivery.byteLength <= MAX_BYTES_IN_RECORD) return [null, delivery]
    return [statement.insertDelivery.run(delivery).lastInsertRowid, null]
  }

  return {
    /** The outcome where it needs no write. */
    peekAccept(request: AcceptRequest, now: number): AcceptOutcome | undefined {
      return outcomeOf(unexpired(records.find(request.scope, request.key), now), request)
    },

    accept(request: Payloads['accept'], now: number): AcceptOutcome {
      const { scope, key, acceptId, delivery, fingerprint, retentionMs, delayMs, group, label } = request
      const found = records.find(scope, key)
      const outcome = outcomeOf(unexpired(found, now), request)
      if (outcome !== undefined) return outcome
      if (found !== undefined) records.remove(found)
      statement.accept.run(
        ...[...records.hashedKey(scope, key), fingerprint, acceptId, now, retentionMs, now + delayMs, group],
        ...[...placed(delivery), label],
      )
      return { status: 'accepted', acceptedAt: now }
    },

    /** The outcome where it needs no write: nothing is due, or it was claimed before. */
    peekClaimDue(request: ClaimDueRequest, now: number): DueClaim[] | undefined {
      const claims = claimedBefore(request, now)
      return claims.length > 0 || due(request.scope, now, 1).length === 0 ? claims : undefined
    },

    claimDue(request: ClaimDueRequest, now: number): DueClaim[] {
      const { scope, limit, maxLosses } = request
      const claims = claimedBefore(request, now)
      if (claims.length > 0) return claims
      let bytes = 0
      for (;;) {
        // Read again after each round: a buried record may have held back the next of its group.
        const rows = due(scope, now, limit - claims.length)
        for (const row of rows) {
          if (lossesOf(row) >= maxLosses) {
            statement.bury.run(lossesOf(row), LOST_ERROR, now, now, row.id)
            records.histories.keepOutcome(row, 'lost')
            continue
          }
          const claim = take(row, request, now)
          claims.push(claim)
          bytes += claim.delivery.byteLength
          if (bytes >= MAX_BYTES_PER_CLAIM) return claims
        }
        if (rows.length === 0 || claims.length >= limit) return claims
      }
    },

    redrive({ scope, key, ...options }: Payloads['redrive'], now: number): RedriveOutcome {
      const found = unexpired(records.find(scope, key), now)
      if (found === undefined || found.round === null) return 'absent'
      const decision = decideRedrive(found, options)
      if (decision === 'due') statement.makeDue.run(now, found.id)
      if (decision !== 'redriven') return decision
      records.histories.keepLast(found.id, now)
      statement.redrive.run(now, found.id)
      if (found.grp !== null) statement.holdNext.run(scope, found.grp, found.id)
      return decision
    },

    backlog({ scope }: Payloads['backlog'], now: number): Backlog {
      const queue = statement.backlog.get(scope, MOST_COUNTED, scope) as { queued: number; first_due: number | null }
      const { dead } = statement.countDead.get(MOST_COUNTED, scope, now) as { dead: number }
      return { inLine: queue.queued, overdueMs: Math.max(0, now - (queue.first_due ?? now)), dead }
    },
  }
}
