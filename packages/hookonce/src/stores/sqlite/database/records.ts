import { type CurrentRecord, expiryOf, lossesOf } from '../../rules.js'
import { lostError, NEVER } from '../../store.js'
import { sql } from '../sql.generated.js'
import type { Database } from './driver.js'
import { createHistories } from './histories.js'
import { createHash } from './key-hash.js'
import type { RecordRow } from './rows.js'

/** A row of `find.sql`. */
export type Found = Omit<
  RecordRow,
  'claimed_at' | 'retention_ms' | 'last_error' | 'due_at' | 'earlier_attempts' | 'delivery' | 'label'
>

export type Records = ReturnType<typeof createRecords>

interface AttemptStart {
  fingerprint: string | null
  leaseId: string
  leaseMs: number
  lockTtlMs: number
  retentionMs: number
  begun: boolean
}

/** The parts that several operations share. */
export function createRecords(db: Database) {
  const hashOf = createHash(db)
  const histories = createHistories(db)
  const statement = {
    find: db.prepare(sql.find),
    tokenFloor: db.prepare(sql.tokenFloor),
    raiseFloor: db.prepare(sql.raiseFloor),
    remove: db.prepare(sql.remove),
    takeOver: db.prepare(sql.takeOver),
    delivery: db.prepare(sql.delivery),
  }

  let knownFloor: number | undefined

  /** At or above every token of a removed row. */
  function tokenFloor(): number {
    knownFloor ??= (statement.tokenFloor.get() as { token_floor: number }).token_floor
    return knownFloor
  }

  /** `last` is the token in the key's row, expired or not. Without one the floor is used, which covers removed rows. */
  function nextToken(last: number | undefined, now: number): number {
    return Math.max((last || tokenFloor()) + 1, now * 1000)
  }

  /** The parameters by which statements find a record. */
  function hashedKey(scope: string, key: string): [hash: number, scope: string, key: string] {
    return [hashOf(scope, key), scope, key]
  }

  return {
    /** To be called when a transaction begins: the floor that another one read is outdated. */
    begin(): void {
      knownFloor = undefined
    },

    nextToken,

    hashedKey,

    histories,

    find(scope: string, key: string): Found | undefined {
      const hash = hashOf(scope, key)
      for (let skipped = 0; ; skipped++) {
        const found = statement.find.get(hash, skipped) as Found | undefined
        if (found === undefined || (found.key === key && found.scope === scope)) return found
      }
    },

    /** Starts another attempt and returns its fencing token. */
    takeOver(
      found: Pick<Found, 'id' | 'fencing_token' | 'round' | 'state' | 'attempts' | 'losses' | 'begun'>,
      start: AttemptStart,
      now: number,
    ): number {
      const { fingerprint, leaseId, leaseMs, lockTtlMs, retentionMs, begun } = start
      if (found.state !== 'pending') histories.keepLast(found.id, now)
      const token = nextToken(found.fencing_token, now)
      const endsAt = now + Math.min(leaseMs, lockTtlMs)
      const isAccepted = found.round !== null
      const expiresAt = isAccepted ? NEVER : expiryOf(endsAt, start)
      const lost = found.state === 'running' ? lostError(found.attempts) : null
      statement.takeOver.run(
        ...[fingerprint, lossesOf(found), lost, leaseId, token, now, endsAt, expiresAt, lockTtlMs, retentionMs],
        ...[isAccepted ? endsAt : null, lost !== null && !found.begun ? 1 : 0, begun ? 1 : 0, found.id],
      )
      return token
    },

    deliveryOf({ id, delivery }: Pick<RecordRow, 'id' | 'delivery'>): Uint8Array {
      return delivery ?? (statement.delivery.get(id) as { delivery: Uint8Array }).delivery
    },

    remove({ id, fencing_token }: Pick<Found, 'id' | 'fencing_token'>): void {
      knownFloor = undefined
      statement.raiseFloor.run(fencing_token)
      statement.remove.run(id)
    },
  }
}

/** Step 0 of every operation: an expired record is an absent one. */
export function unexpired(found: Found | undefined, now: number): Found | undefined {
  return found !== undefined && found.expires_at > now ? found : undefined
}

/** The record as the contract's rules take it. */
export function currentOf(found: Found): CurrentRecord {
  const { state, fingerprint, attempts, losses, lease_id, lease_ends_at, begun } = found
  return { state, fingerprint, attempts, losses, leaseId: lease_id, leaseEndsAt: lease_ends_at, begun }
}

/** A lease that ends later than its full length from now was taken before the clock stepped back. */
export function endsTooLate(found: Pick<Found, 'state' | 'lease_ends_at' | 'lease_ms'>, now: number): boolean {
  return found.state === 'running' && found.lease_ends_at > now + found.lease_ms
}
