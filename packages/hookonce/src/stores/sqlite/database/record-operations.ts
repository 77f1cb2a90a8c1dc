import { decideClaim, decideComplete, expiryOf, lossesOf, remainingLease } from '../../rules.js'
import {
  type ClaimOutcome,
  type ClaimRequest,
  type CompleteOutcome,
  MAX_ERROR_LENGTH,
  type RecordId,
  type StoredRecord,
} from '../../store.js'
import type { Payloads } from '../messages.js'
import { sql } from '../sql.generated.js'
import type { Database } from './driver.js'
import { historyIn } from './histories.js'
import { createInboxOperations } from './inbox-operations.js'
import { createRecords, currentOf, endsTooLate, type Found, unexpired } from './records.js'
import { type HistoryRow, type RecordRow, summaryOf } from './rows.js'

export type Operations = ReturnType<typeof createOperations>

/** The contract's operations on one connection. The caller opens the transaction; `now` is its clock in milliseconds. */
export function createOperations(db: Database) {
  const records = createRecords(db)
  const { find, hashedKey, histories } = records
  const statement = {
    insert: db.prepare(sql.insert),
    learnLabel: db.prepare(sql.learnLabel),
    correctDueTimes: db.prepare(sql.correctDueTimes),
    shortenLease: db.prepare(sql.shortenLease),
    renew: db.prepare(sql.renew),
    complete: db.prepare(sql.complete),
    completeAccepted: db.prepare(sql.completeAccepted),
    fail: db.prepare(sql.fail),
    findSettled: db.prepare(sql.findSettled),
    get: db.prepare(sql.get),
    check: db.prepare(sql.check),
  }

  /** The outcome of a claim that writes nothing; `undefined`: the claim writes. */
  function outcomeOf(found: Found | undefined, request: ClaimRequest, now: number): ClaimOutcome | undefined {
    if (found === undefined) return undefined
    const current = currentOf(found)
    const status = decideClaim(current, request, now)
    switch (status) {
      case 'mismatch':
        return { status }
      case 'completed':
        return { status, result: found.result!, completedAt: found.settled_at! }
      case 'acquired':
        return acquired(found.attempts, found.fencing_token, false)
      case 'running':
        return endsTooLate(found, now) ? undefined : { status, leaseRemainingMs: remainingLease(current, now) }
      case 'exhausted':
        return { status, losses: lossesOf(current) }
      default:
        return undefined
    }
  }

  /** How this attempt has settled the record in an earlier call. */
  function settledBefore({ scope, key }: RecordId, leaseId: string, now: number) {
    return statement.findSettled.get(...hashedKey(scope, key), leaseId, now) as
      | Pick<RecordRow, 'state' | 'settled_at'>
      | undefined
  }

  return {
    ...createInboxOperations(db, records),

    begin: records.begin,

    /** The outcome where it needs no write. */
    peekClaim(request: ClaimRequest, now: number): ClaimOutcome | undefined {
      return outcomeOf(unexpired(find(request.scope, request.key), now), request, now)
    },

    claim(request: Payloads['claim'], now: number): ClaimOutcome {
      const { scope, key, fingerprint, leaseId, leaseMs, lockTtlMs, retentionMs, label } = request
      const found = find(scope, key)
      const record = unexpired(found, now)
      const outcome = outcomeOf(record, request, now)
      if (outcome !== undefined) return outcome

      if (record !== undefined && endsTooLate(record, now)) {
        statement.shortenLease.run(now + record.lease_ms, record.id)
        return { status: 'running', leaseRemainingMs: record.lease_ms }
      }
      if (record !== undefined) {
        if (label !== null) statement.learnLabel.run(label, record.id)
        const start = { fingerprint, leaseId, leaseMs, lockTtlMs, retentionMs, begun: true }
        const tookOver = record.state === 'running'
        return acquired(record.attempts + 1, records.takeOver(record, start, now), tookOver)
      }
      const token = records.nextToken(found?.fencing_token, now)
      // An expired record is removed and not reused, so that the new one has a new id.
      if (found !== undefined) records.remove(found)
      const leaseEndsAt = now + Math.min(leaseMs, lockTtlMs)
      const expiresAt = expiryOf(leaseEndsAt, { lockTtlMs, retentionMs })
      statement.insert.run(
        ...[...hashedKey(scope, key), fingerprint, leaseId, token, now, leaseEndsAt, expiresAt, lockTtlMs, retentionMs],
        label,
      )
      return acquired(1, token, false)
    },

    renew({ scope, key, leaseId, leaseMs }: Payloads['renew'], now: number): 'renewed' | 'lost' {
      const { changes } = statement.renew.run(now, leaseMs, ...hashedKey(scope, key), leaseId)
      return changes ? 'renewed' : 'lost'
    },

    correctDueTimes(now: number): void {
      statement.correctDueTimes.run(now)
    },

    /** The outcome of `complete` where it would not write; `undefined`: it would. */
    peekComplete({ scope, key }: RecordId, leaseId: string, now: number): CompleteOutcome | undefined {
      const found = unexpired(find(scope, key), now)
      const status = decideComplete(found && currentOf(found), leaseId)
      if (status === 'completed') return { status, completedAt: found!.settled_at! }
      return status && { status }
    },

    complete({ scope, key, leaseId, result }: Payloads['complete'], now: number): CompleteOutcome {
      const values = [result, now, ...hashedKey(scope, key), leaseId]
      const { changes } = statement.complete.run(...values)
      if (changes || statement.completeAccepted.run(...values).changes) return { status: 'completed', completedAt: now }
      const before = settledBefore({ scope, key }, leaseId, now)
      if (before?.state !== 'completed') return { status: 'fenced' }
      return { status: 'completed', completedAt: before.settled_at! }
    },

    fail({ scope, key, leaseId, error, outcome, next }: Payloads['fail'], now: number): 'failed' | 'fenced' {
      const [dueAt, notBegun] = next === 'dead' ? [null, 0] : [now + next.dueInMs, next.notBegun ? 1 : 0]
      const values = [truncated(error), now, dueAt, ...hashedKey(scope, key), leaseId, notBegun]
      const failed = statement.fail.get(...values) as Pick<RecordRow, 'id' | 'attempts'> | undefined
      if (failed !== undefined) {
        histories.keepOutcome(failed, outcome)
        return 'failed'
      }
      const before = settledBefore({ scope, key }, leaseId, now)
      return before === undefined || before.state === 'completed' ? 'fenced' : 'failed'
    },

    delete({ scope, key, force }: Payloads['delete'], now: number): 'deleted' | 'absent' | 'running' {
      const found = unexpired(find(scope, key), now)
      if (found === undefined) return 'absent'
      if (!force && remainingLease(currentOf(found), now) > 0) return 'running'
      records.remove(found)
      return 'deleted'
    },

    get({ scope, key }: RecordId, now: number): StoredRecord | null {
      const row = statement.get.get(...hashedKey(scope, key), now) as (RecordRow & HistoryRow) | undefined
      if (row === undefined) return null
      const record = { ...summaryOf(row, now), history: historyIn(row), result: row.result }
      return row.round === null ? record : { ...record, delivery: records.deliveryOf(row) }
    },

    /** Proves that a write is possible. */
    ready(_payload: object, now: number): null {
      statement.check.run(now)
      return null
    },
  }
}

function acquired(attempt: number, fencingToken: number, tookOver: boolean): ClaimOutcome {
  return { status: 'acquired', attempt, fencingToken: String(fencingToken), tookOver }
}

/** SQLite would replace half of a surrogate pair by U+FFFD. */
function truncated(error: string): string {
  const kept = error.slice(0, MAX_ERROR_LENGTH)
  return /[\uD800-\uDBFF]$/.test(kept) ? kept.slice(0, -1) : kept
}
