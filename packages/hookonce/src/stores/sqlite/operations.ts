import { MAX_ERROR_LENGTH, type RecordId } from '../../store.js'
import type { Database } from './driver.js'
import type { ClaimAnswer, RecordAnswer, RequestOf } from './protocol.js'
import { type RecordRow, summaryOf } from './rows.js'
import { sql } from './sql.generated.js'

/** What `find.sql` gives. */
type Found = Omit<RecordRow, 'scope' | 'key' | 'created_at' | 'claimed_at' | 'last_error'>

/** An answer before its result is packed. */
export type Outcome = readonly unknown[]

type ClaimOutcome = ClaimAnswer<Uint8Array>

export type Completion = ['completed', completedAt: number] | ['fenced']

/**
 * The contract's rules on one connection: each function is one operation by the clock `now`, in milliseconds, run
 * inside a transaction of the caller's.
 */
export function createOperations(db: Database) {
  const statement = {
    find: db.prepare(sql.find),
    tokenFloor: db.prepare(sql.tokenFloor),
    insert: db.prepare(sql.insert),
    takeOver: db.prepare(sql.takeOver),
    renew: db.prepare(sql.renew),
    complete: db.prepare(sql.complete),
    fail: db.prepare(sql.fail),
    settled: db.prepare(sql.settled),
    raiseFloor: db.prepare(sql.raiseFloor),
    remove: db.prepare(sql.remove),
    get: db.prepare(sql.get),
    check: db.prepare(sql.check),
  }

  /** What a claim gets from the record as it stands; `undefined`: it may be written. */
  function standing(found: Found | undefined, request: RequestOf<'claim'>, now: number): ClaimOutcome | undefined {
    const [, , , , fingerprint, leaseId, , , , maxLosses] = request
    if (!stands(found, now)) return undefined
    if (found.fingerprint !== null && fingerprint !== null && found.fingerprint !== fingerprint) return ['mismatch']
    if (found.state === 'completed') return ['completed', found.result!, found.settled_at!]
    if (found.state === 'running') {
      if (found.lease_id === leaseId) return ['acquired', found.attempts, found.fencing_token]
      if (found.lease_ends_at > now) return ['running', found.lease_ends_at - now]
    }
    const losses = lossesOf(found)
    return losses >= maxLosses ? ['exhausted', losses] : undefined
  }

  /** Whether this attempt has settled the record before. */
  function settledBefore(id: { scope: string; key: string }, leaseId: string, state: string, now: number) {
    return (statement.settled.get(id.scope, id.key, leaseId, state, now) as { settled_at: number } | undefined)
      ?.settled_at
  }

  const find = (scope: string, key: string) => statement.find.get(scope, key) as Found | undefined

  const tokenFloor = () => (statement.tokenFloor.get() as { token_floor: number }).token_floor

  return {
    /** A claim's answer as far as it needs no write. */
    peek(request: RequestOf<'claim'>, now: number): ClaimOutcome | undefined {
      return standing(find(request[2], request[3]), request, now)
    },

    claim(request: RequestOf<'claim'>, now: number): ClaimOutcome {
      const [, , scope, key, fingerprint, leaseId, leaseMs, lockTtlMs, retentionMs] = request
      const found = find(scope, key)
      const answer = standing(found, request, now)
      if (answer !== undefined) return answer

      const leaseEndsAt = now + Math.min(leaseMs, lockTtlMs)
      const expiresAt = leaseEndsAt + Math.max(lockTtlMs, retentionMs)
      // A row that stands, expired or not, knows the key's last token; the floor covers every row that was removed.
      const token = Math.max((found?.fencing_token ?? tokenFloor()) + 1, now * 1000)
      if (!stands(found, now)) {
        statement.insert.run(
          ...[scope, key, fingerprint, leaseId, token, now, now, leaseEndsAt, expiresAt, lockTtlMs, retentionMs],
        )
        return ['acquired', 1, token]
      }
      statement.takeOver.run(
        ...[fingerprint, lossesOf(found), leaseId, token, now, leaseEndsAt, expiresAt, lockTtlMs, retentionMs],
        found.id,
      )
      return ['acquired', found.attempts + 1, token]
    },

    renew([, , scope, key, leaseId, leaseMs]: RequestOf<'renew'>, now: number): ['renewed' | 'lost'] {
      const { changes } = statement.renew.run(now + leaseMs, now + leaseMs, scope, key, leaseId, now)
      return [changes ? 'renewed' : 'lost']
    },

    /** What `complete` would answer without a write; `undefined`: it would write. */
    peekCompletion({ scope, key }: RecordId, leaseId: string, now: number): Completion | undefined {
      const found = find(scope, key)
      if (!stands(found, now) || found.lease_id !== leaseId || found.state === 'failed') return ['fenced']
      return found.state === 'completed' ? ['completed', found.settled_at!] : undefined
    },

    complete([, , scope, key, leaseId, result]: RequestOf<'complete'>, now: number): Completion {
      const { changes } = statement.complete.run(result, now, now, scope, key, leaseId, now)
      if (changes) return ['completed', now]
      const before = settledBefore({ scope, key }, leaseId, 'completed', now)
      return before === undefined ? ['fenced'] : ['completed', before]
    },

    fail([, , scope, key, leaseId, error]: RequestOf<'fail'>, now: number): ['failed' | 'fenced'] {
      const { changes } = statement.fail.run(truncated(error), now, now, scope, key, leaseId, now)
      const failed = changes || settledBefore({ scope, key }, leaseId, 'failed', now) !== undefined
      return [failed ? 'failed' : 'fenced']
    },

    delete([, , scope, key, force]: RequestOf<'delete'>, now: number): ['deleted' | 'absent' | 'running'] {
      const found = find(scope, key)
      if (!stands(found, now)) return ['absent']
      if (!force && found.state === 'running' && found.lease_ends_at > now) return ['running']
      statement.raiseFloor.run(found.fencing_token)
      statement.remove.run(found.id)
      return ['deleted']
    },

    get([, , scope, key]: RequestOf<'get'>, now: number): RecordAnswer<Uint8Array> {
      const row = statement.get.get(scope, key, now) as RecordRow | undefined
      return row === undefined ? [] : [summaryOf(row, now), row.result]
    },

    /** Proves that a write is possible. */
    check(now: number): [] {
      statement.check.run(now)
      return []
    },
  }
}

/** Step 0 of every operation: an expired record is an absent one. */
function stands(found: Found | undefined, now: number): found is Found {
  return found !== undefined && found.expires_at > now
}

/** A running record whose lease is over is a loss that nobody has written down yet. */
function lossesOf(found: Found): number {
  return found.losses + (found.state === 'running' ? 1 : 0)
}

/** SQLite would replace half of a surrogate pair by U+FFFD. */
function truncated(error: string): string {
  const kept = error.slice(0, MAX_ERROR_LENGTH)
  return /[\uD800-\uDBFF]$/.test(kept) ? kept.slice(0, -1) : kept
}
