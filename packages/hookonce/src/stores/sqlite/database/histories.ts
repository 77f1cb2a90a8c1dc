import { historyOf, type LastAttempt, outcomeOf, withLast } from '../../history.js'
import type { AttemptOutcome, RecordedAttempt } from '../../store.js'
import { sql } from '../sql.generated.js'
import type { Database } from './driver.js'
import type { HistoryRow, RecordRow } from './rows.js'

/** A row of `last-attempt.sql`. */
type LastRow = HistoryRow &
  Pick<RecordRow, 'state' | 'attempts' | 'lease_id' | 'fencing_token' | 'claimed_at' | 'settled_at'>

/** Writes what a record keeps of its attempts. */
export function createHistories(db: Database) {
  const statement = {
    keepOutcome: db.prepare(sql.keepOutcome),
    keepEarlier: db.prepare(sql.keepEarlier),
    lastAttempt: db.prepare(sql.lastAttempt),
  }

  return {
    /** To be called when the last attempt is settled without a result. */
    keepOutcome({ id, attempts }: Pick<RecordRow, 'id' | 'attempts'>, outcome: AttemptOutcome): void {
      statement.keepOutcome.run(id, attempts, String(outcome))
    },

    /** To be called before another attempt or a new round replaces what the record says of its last attempt. */
    keepLast(id: number, now: number): void {
      const row = statement.lastAttempt.get(id) as LastRow
      statement.keepEarlier.run(id, withLast(linesIn(row), lastIn(row), now).join('\n'))
    },
  }
}

export const historyIn = (row: LastRow): RecordedAttempt[] => historyOf(linesIn(row), lastIn(row))

const linesIn = ({ earlier }: HistoryRow): string[] => earlier?.split('\n') ?? []

const lastIn = (row: LastRow): LastAttempt => ({
  state: row.state,
  attempts: row.attempts,
  leaseId: row.lease_id,
  fencingToken: String(row.fencing_token),
  claimedAt: row.claimed_at,
  settledAt: row.settled_at,
  outcome: row.outcome !== null && row.attempt === row.attempts ? outcomeOf(row.outcome) : null,
})
