import { type ListQuery, PAGE_MS, type RecordPage } from '../../store.js'
import type { Database, SqliteParameter } from '../database/driver.js'
import { type RecordRow, summaryOf } from '../database/rows.js'
import type { Transactions } from '../database/transaction.js'
import { sql } from '../sql.generated.js'
import type { Scan } from './scans.js'

const ROWS_PER_STEP = 2000
/** A page ends after so many steps with what it has found: what is wanted may be rare. */
const STEPS_PER_PAGE = 25

/** A place in the order of creation, newest first. */
type Place = [createdAt: number, id: number]

/** Pages of accepted records, and of those of one label, in the order of creation. */
export function createListing(db: Database, transactions: Transactions) {
  const stretch = db.prepare(sql.acceptedStretch)
  const accepted = db.prepare(sql.accepted)
  const dead = db.prepare(sql.dead)
  const labelledStretch = db.prepare(sql.labelledStretch)
  const labelled = db.prepare(sql.labelled)

  /** The two steps through the records of one index. */
  function indexOf({ label, accepted: isAccepted = false }: ListQuery) {
    if (label === undefined) {
      return {
        end: (...rest: SqliteParameter[]) => stretch.get(...rest),
        rows: (...rest: SqliteParameter[]) => accepted.all(...rest),
      }
    }
    return {
      end: (...rest: SqliteParameter[]) => labelledStretch.get(label, ...rest),
      rows: (...rest: SqliteParameter[]) => labelled.all(label, isAccepted ? 1 : 0, ...rest),
    }
  }

  return function* list(query: ListQuery): Scan<RecordPage> {
    const { scope = null, state = null, since = 0, until = Number.MAX_SAFE_INTEGER, limit, after } = query
    const index = indexOf(query)
    // One more than asked for tells whether there is a next page.
    const found: RecordRow[] = []
    let now = 0

    /** Looks through one stretch and gives its last place; `undefined`: it was the last stretch. */
    function step(before: Place): Place | undefined {
      now = Date.now()
      const missing = limit + 1 - found.length
      if (state === 'dead' && query.label === undefined) {
        found.push(...(dead.all(...before, since, now, scope, scope, missing) as RecordRow[]))
        return undefined
      }
      const end = index.end(...before, since, ROWS_PER_STEP - 1) as RecordRow | undefined
      const last: Place = end === undefined ? [since, 0] : placeOf(end)
      found.push(...(index.rows(...before, ...last, now, scope, scope, state, state, missing) as RecordRow[]))
      return end && last
    }

    const start: Place = [until, 0]
    const from = after === undefined ? start : (after.split('-').map(Number) as Place)
    let place: Place | undefined = from[0] < until ? from : start
    const endsAt = performance.now() + PAGE_MS
    for (let steps = 0; place !== undefined && found.length <= limit && steps < STEPS_PER_PAGE; steps++) {
      if (steps > 0) yield
      if (steps > 0 && performance.now() >= endsAt) break
      const before: Place = place
      place = transactions.read(() => step(before))
    }

    const page = found.slice(0, limit)
    const records = page.map(row => summaryOf(row, now))
    const next = found.length > limit ? placeOf(page.at(-1)!) : place
    return next === undefined ? { records } : { records, next: next.join('-') }
  }
}

const placeOf = ({ created_at, id }: RecordRow): Place => [created_at, id]
