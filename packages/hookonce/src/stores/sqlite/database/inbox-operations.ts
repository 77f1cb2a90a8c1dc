import { type Backlog, LOST_ERROR, MOST_COUNTED, type RedriveOutcome } from '../../inbox-store.js'
import { decideAccept, decideRedrive, lossesOf } from '../../rules.js'
import type { AcceptAnswer, DueAnswer, RequestOf } from '../messages.js'
import { sql } from '../sql.generated.js'
import type { Database } from './driver.js'
import { currentOf, type Found, type Records, standing } from './records.js'
import { acceptedOf, type RecordRow } from './rows.js'

/** What one answer takes along at most, and one delivery more: it is copied twice on its way. */
const MOST_BYTES_AT_ONCE = 16 * 1024 * 1024

/**
 * A delivery of up to so many bytes lies in its record. The record is written again at each step, which costs more for a
 * large one than a row of its own.
 */
const MOST_BYTES_IN_RECORD = 1024

/** What `due.sql` gives. */
type Due = Omit<Found, 'scope' | 'fingerprint' | 'lease_id' | 'lease_ends_at' | 'lease_ms' | 'settled_at' | 'result'> &
  Pick<RecordRow, 'retention_ms' | 'earlier_attempts' | 'delivery'>

type Taken = Pick<
  Due,
  'id' | 'key' | 'attempts' | 'fencing_token' | 'created_at' | 'grp' | 'round' | 'earlier_attempts' | 'delivery'
> &
  Pick<RecordRow, 'due_at'>

/** The inbox's part of the contract: as {@link createOperations}, each function is one operation. */
export function createQueueing(db: Database, records: Records) {
  const statement = {
    accept: db.prepare(sql.accept),
    keep: db.prepare(sql.keep),
    due: db.prepare(sql.due),
    leased: db.prepare(sql.leased),
    bury: db.prepare(sql.bury),
    redrive: db.prepare(sql.redrive),
    holdNext: db.prepare(sql.holdNext),
    backlog: db.prepare(sql.backlog),
    countDead: db.prepare(sql.countDead),
  }

  /** What an acceptance gets from the record as it stands; `undefined`: it may be written. */
  function answerOf(found: Found | undefined, request: RequestOf<'accept'>): AcceptAnswer | undefined {
    const [, , , , acceptId, , fingerprint] = request
    if (found === undefined) return undefined
    const status = decideAccept(currentOf(found), { fingerprint, acceptId })
    if (status === 'mismatch') return [status]
    return status === 'accepted' ? [status, found.created_at] : [status, found.created_at, found.state]
  }

  const due = (scope: string, now: number, limit: number) => statement.due.all(scope, now, limit) as unknown as Due[]

  function take(row: Due, request: RequestOf<'claimDue'>, now: number): [DueAnswer, Uint8Array] {
    const [, , scope, , leaseId, leaseMs, lockTtlMs] = request
    const { retention_ms: retentionMs } = row
    const beginning = { fingerprint: null, leaseId, leaseMs, lockTtlMs, retentionMs, begun: false }
    const token = records.takeOver(row, beginning, now)
    const tookOver = row.state === 'running'
    const earlier_attempts = row.earlier_attempts! + (tookOver && !row.begun ? 1 : 0)
    const taken = { ...row, attempts: row.attempts + 1, fencing_token: token, earlier_attempts }
    return dueClaim(scope, { ...taken, due_at: now + Math.min(leaseMs, lockTtlMs) }, tookOver)
  }

  function dueClaim(scope: string, row: Taken, tookOver: boolean): [DueAnswer, Uint8Array] {
    const { key, attempts: attempt, created_at: acceptedAt } = row
    const claim = { scope, key, attempt, fencingToken: String(row.fencing_token), tookOver }
    return [{ ...claim, acceptedAt, accepted: acceptedOf(row)! }, records.deliveryOf(row)]
  }

  /** What an answer that never came has taken. */
  function leasedUnder([, , scope, , leaseId]: RequestOf<'claimDue'>, now: number): (DueAnswer | Uint8Array)[] {
    const rows = statement.leased.all(scope, now, leaseId) as unknown as Taken[]
    return rows.flatMap(row => dueClaim(scope, row, false))
  }

  /** A new record's id, unless it is to be the next one, and the delivery that is to lie in it. */
  function placed(delivery: Uint8Array): [id: number | bigint | null, delivery: Uint8Array | null] {
    if (delivery.byteLength <= MOST_BYTES_IN_RECORD) return [null, delivery]
    return [statement.keep.run(delivery).lastInsertRowid, null]
  }

  return {
    /** An acceptance's answer as far as it needs no write. */
    peekAcceptance(request: RequestOf<'accept'>, now: number): AcceptAnswer | undefined {
      return answerOf(standing(records.find(request[2], request[3]), now), request)
    },

    accept(request: RequestOf<'accept'>, now: number): AcceptAnswer {
      const [, , scope, key, acceptId, delivery, fingerprint, retentionMs, delayMs, group, label] = request
      const found = records.find(scope, key)
      const answer = answerOf(standing(found, now), request)
      if (answer !== undefined) return answer
      if (found !== undefined) records.remove(found)
      statement.accept.run(
        ...[...records.placeOf(scope, key), fingerprint, acceptId, now, retentionMs, now + delayMs, group],
        ...placed(delivery as Uint8Array),
        label,
      )
      return ['accepted', now]
    },

    /** Where nothing is due, which is most often so, or it was taken before, that needs no write. */
    peekDue(request: RequestOf<'claimDue'>, now: number): (DueAnswer | Uint8Array)[] | undefined {
      const [, , scope, , , , , , again] = request
      const leased = again ? leasedUnder(request, now) : []
      if (leased.length > 0) return leased
      return due(scope, now, 1).length === 0 ? [] : undefined
    },

    /** Each record, and its delivery after it. */
    claimDue(request: RequestOf<'claimDue'>, now: number): (DueAnswer | Uint8Array)[] {
      const [, , scope, limit, , , , maxLosses, again] = request
      const taken = again ? leasedUnder(request, now) : []
      if (taken.length > 0) return taken
      let bytes = 0
      for (;;) {
        // Looked again after each round: a record that died may have been the first of a group.
        const rows = due(scope, now, limit - taken.length / 2)
        for (const row of rows) {
          if (lossesOf(row) >= maxLosses) {
            statement.bury.run(lossesOf(row), LOST_ERROR, now, now, row.id)
            continue
          }
          const [claim, delivery] = take(row, request, now)
          taken.push(claim, delivery)
          bytes += delivery.byteLength
          if (bytes >= MOST_BYTES_AT_ONCE) return taken
        }
        if (rows.length === 0 || taken.length / 2 >= limit) return taken
      }
    },

    redrive([, , scope, key, completed]: RequestOf<'redrive'>, now: number): [RedriveOutcome] {
      const found = standing(records.find(scope, key), now)
      if (found === undefined || found.round === null) return ['absent']
      const decision = decideRedrive(found, { completed })
      if (decision !== undefined) return [decision]
      statement.redrive.run(now, found.id)
      if (found.grp !== null) statement.holdNext.run(scope, found.grp, found.id)
      return ['redriven']
    },

    backlog([, , scope]: RequestOf<'backlog'>, now: number): [Backlog] {
      const line = statement.backlog.get(scope, MOST_COUNTED, scope) as { in_line: number; first_due: number | null }
      const { dead } = statement.countDead.get(MOST_COUNTED, scope, now) as { dead: number }
      return [{ inLine: line.in_line, overdueMs: Math.max(0, now - (line.first_due ?? now)), dead }]
    },
  }
}
