import { decideClaim, decideComplete, expiryOf, lossesOf, remainingLease } from '../../rules.js'
import { MAX_ERROR_LENGTH, type RecordId } from '../../store.js'
import type { ClaimAnswer, RecordAnswer, RequestOf } from '../messages.js'
import { sql } from '../sql.generated.js'
import type { Database } from './driver.js'
import { createQueueing } from './inbox-operations.js'
import { createRecords, currentOf, endsTooLate, type Found, standing } from './records.js'
import { type RecordRow, summaryOf } from './rows.js'

/** An answer before its result is packed. */
export type Outcome = readonly unknown[]

type ClaimOutcome = ClaimAnswer<Uint8Array>

export type Completion = ['completed', completedAt: number] | ['fenced']

/**
 * The contract's rules on one connection: each function is one operation by the clock `now`, in milliseconds, run
 * inside a transaction of the caller's.
 */
export function createOperations(db: Database) {
  const records = createRecords(db)
  const { find, placeOf } = records
  const statement = {
    insert: db.prepare(sql.insert),
    learnLabel: db.prepare(sql.learnLabel),
    cutLine: db.prepare(sql.cutLine),
    cutLease: db.prepare(sql.cutLease),
    renew: db.prepare(sql.renew),
    complete: db.prepare(sql.complete),
    completeAccepted: db.prepare(sql.completeAccepted),
    fail: db.prepare(sql.fail),
    settled: db.prepare(sql.settled),
    get: db.prepare(sql.get),
    check: db.prepare(sql.check),
  }

  /** What a claim gets from the record as it stands; `undefined`: it may be written. */
  function answerOf(found: Found | undefined, request: RequestOf<'claim'>, now: number): ClaimOutcome | undefined {
    const [, , , , fingerprint, leaseId, , , , maxLosses] = request
    if (found === undefined) return undefined
    const current = currentOf(found)
    switch (decideClaim(current, { fingerprint, leaseId, maxLosses }, now)) {
      case 'mismatch':
        return ['mismatch']
      case 'completed':
        return ['completed', found.result!, found.settled_at!]
      case 'acquired':
        return ['acquired', found.attempts, found.fencing_token, false]
      case 'running':
        return endsTooLate(found, now) ? undefined : ['running', remainingLease(current, now)]
      case 'exhausted':
        return ['exhausted', lossesOf(current)]
      default:
        return undefined
    }
  }

  /** How this attempt has settled the record before. */
  function settledBefore({ scope, key }: RecordId, leaseId: string, now: number) {
    return statement.settled.get(...placeOf(scope, key), leaseId, now) as
      | Pick<RecordRow, 'state' | 'settled_at'>
      | undefined
  }

  return {
    ...createQueueing(db, records),

    begin: records.begin,

    /** A claim's answer as far as it needs no write. */
    peek(request: RequestOf<'claim'>, now: number): ClaimOutcome | undefined {
      return answerOf(standing(find(request[2], request[3]), now), request, now)
    },

    claim(request: RequestOf<'claim'>, now: number): ClaimOutcome {
      const [, , scope, key, fingerprint, leaseId, leaseMs, lockTtlMs, retentionMs, , label] = request
      const found = find(scope, key)
      const record = standing(found, now)
      const answer = answerOf(record, request, now)
      if (answer !== undefined) return answer

      if (record !== undefined && endsTooLate(record, now)) {
        statement.cutLease.run(now + record.lease_ms, record.id)
        return ['running', record.lease_ms]
      }
      if (record !== undefined) {
        if (label !== null) statement.learnLabel.run(label, record.id)
        const beginning = { fingerprint, leaseId, leaseMs, lockTtlMs, retentionMs, begun: true }
        const tookOver = record.state === 'running'
        return ['acquired', record.attempts + 1, records.takeOver(record, beginning, now), tookOver]
      }
      const token = records.nextToken(found?.fencing_token, now)
      // One that has expired makes room: the new one gets a new id.
      if (found !== undefined) records.remove(found)
      const leaseEndsAt = now + Math.min(leaseMs, lockTtlMs)
      const expiresAt = expiryOf(leaseEndsAt, { lockTtlMs, retentionMs })
      statement.insert.run(
        ...[...placeOf(scope, key), fingerprint, leaseId, token, now, leaseEndsAt, expiresAt, lockTtlMs, retentionMs],
        label,
      )
      return ['acquired', 1, token, false]
    },

    renew([, , scope, key, leaseId, leaseMs]: RequestOf<'renew'>, now: number): ['renewed' | 'lost'] {
      const { changes } = statement.renew.run(now, leaseMs, ...placeOf(scope, key), leaseId)
      return [changes ? 'renewed' : 'lost']
    },

    /** After the clock stepped back: nothing in line is due further ahead than it was to be. */
    cutLine(now: number): void {
      statement.cutLine.run(now)
    },

    /** What `complete` would answer without a write; `undefined`: it would write. */
    peekCompletion({ scope, key }: RecordId, leaseId: string, now: number): Completion | undefined {
      const found = standing(find(scope, key), now)
      const decision = decideComplete(found && currentOf(found), leaseId)
      if (decision === 'completed') return [decision, found!.settled_at!]
      return decision && [decision]
    },

    complete([, , scope, key, leaseId, result]: RequestOf<'complete'>, now: number): Completion {
      const values = [result, now, ...placeOf(scope, key), leaseId]
      if (statement.complete.run(...values).changes) return ['completed', now]
      if (statement.completeAccepted.run(...values).changes) return ['completed', now]
      const before = settledBefore({ scope, key }, leaseId, now)
      return before?.state === 'completed' ? ['completed', before.settled_at!] : ['fenced']
    },

    fail([, , scope, key, leaseId, error, dueInMs, notBegun]: RequestOf<'fail'>, now: number): ['failed' | 'fenced'] {
      const { changes } = statement.fail.run(
        ...[truncated(error), now, dueInMs === null ? null : now + dueInMs],
        ...[...placeOf(scope, key), leaseId, notBegun ? 1 : 0],
      )
      if (changes) return ['failed']
      const before = settledBefore({ scope, key }, leaseId, now)
      return [before === undefined || before.state === 'completed' ? 'fenced' : 'failed']
    },

    delete([, , scope, key, force]: RequestOf<'delete'>, now: number): ['deleted' | 'absent' | 'running'] {
      const found = standing(find(scope, key), now)
      if (found === undefined) return ['absent']
      if (!force && remainingLease(currentOf(found), now) > 0) return ['running']
      records.remove(found)
      return ['deleted']
    },

    get([, , scope, key]: RequestOf<'get'>, now: number): RecordAnswer<Uint8Array> {
      const row = statement.get.get(...placeOf(scope, key), now) as RecordRow | undefined
      if (row === undefined) return []
      return [summaryOf(row, now), row.result, row.round === null ? null : records.deliveryOf(row)]
    },

    /** Proves that a write is possible. */
    check(now: number): [] {
      statement.check.run(now)
      return []
    },
  }
}

/** SQLite would replace half of a surrogate pair by U+FFFD. */
function truncated(error: string): string {
  const kept = error.slice(0, MAX_ERROR_LENGTH)
  return /[\uD800-\uDBFF]$/.test(kept) ? kept.slice(0, -1) : kept
}
