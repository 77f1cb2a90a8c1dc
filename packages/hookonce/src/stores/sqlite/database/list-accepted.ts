import { type ListQuery, PAGE_MS, type RecordPage } from '../../store.js'
import { sql } from '../sql.generated.js'
import type { Database, SqliteParameter } from './driver.js'
import { type RecordRow, summaryOf } from './rows.js'
import type { Scan } from './scans.js'
import type { Transactions } from './transaction.js'

const ROWS_PER_STEP = 2000
/** A page ends after this many steps, because matching records may be rare. */
const STEPS_PER_PAGE = 25

/** A position in the order of creation. */
type Position = [createdAt: number, id: number]

/** Lists accepted records, or those of one label, newest first. */
export function createListAccepted(db: Database, transactions: Transactions, now: () => number) {
  const scanEndAccepted = db.prepare(sql.scanEndAccepted)
  const listAccepted = db.prepare(sql.listAccepted)
  const dead = db.prepare(sql.dead)
  const scanEndLabelled = db.prepare(sql.scanEndLabelled)
  const listLabelled = db.prepare(sql.listLabelled)

  /** The statements of one index: the end of a scan step, and its matching rows. */
  function indexOf({ label, accepted = false }: ListQuery) {
    if (label === undefined) {
      return {
        end: (...rest: SqliteParameter[]) => scanEndAccepted.get(...rest),
        rows: (...rest: SqliteParameter[]) => listAccepted.all(...rest),
      }
    }
    return {
      end: (...rest: SqliteParameter[]) => scanEndLabelled.get(label, ...rest),
      rows: (...rest: SqliteParameter[]) => listLabelled.all(label, accepted ? 1 : 0, ...rest),
    }
  }

  return function* list(query: ListQuery): Scan<RecordPage> {
    const { scope = null, state = null, since = 0, until = Number.MAX_SAFE_INTEGER, limit, after } = query
    const index = indexOf(query)
    // One record more than the page shows whether there is a next page.
    const found: RecordRow[] = []
    let at = 0

    /** Runs one scan step and returns its last position; `undefined`: it was the last step. */
    function step(before: Position): Position | undefined {
      at = now()
      const missing = limit + 1 - found.length
      if (state === 'dead' && query.label === undefined) {
        found.push(...(dead.all(...before, since, at, scope, scope, missing) as RecordRow[]))
        return undefined
      }
      const end = index.end(...before, since, ROWS_PER_STEP - 1) as RecordRow | undefined
      const last: Position = end === undefined ? [since, 0] : positionOf(end)
      found.push(...(index.rows(...before, ...last, at, scope, scope, state, state, missing) as RecordRow[]))
      return end && last
    }

    const start: Position = [until, 0]
    const from = after === undefined ? start : (after.split('-').map(Number) as Position)
    let position: Position | undefined = from[0] < until ? from : start
    const endsAt = performance.now() + PAGE_MS
    for (let steps = 0; position !== undefined && found.length <= limit && steps < STEPS_PER_PAGE; steps++) {
      if (steps > 0) yield
      if (steps > 0 && performance.now() >= endsAt) break
      const before: Position = position
      position = transactions.read(() => step(before))
    }

    const page = found.slice(0, limit)
    const records = page.map(row => summaryOf(row, at))
    const next = found.length > limit ? positionOf(page.at(-1)!) : position
    return next === undefined ? { records } : { records, next: next.join('-') }
  }
}

const positionOf = ({ created_at, id }: RecordRow): Position => [created_at, id]
