import type { StoreStats } from '../../store.js'
import type { Database } from '../database/driver.js'
import type { Transactions } from '../database/transaction.js'
import { sql } from '../sql.generated.js'
import type { Scan } from './scans.js'

/** So many short looks, spread evenly over all ids: together some 10 ms. */
const STRETCHES = 50
const ROWS_PER_STRETCH = 200

interface Seen {
  seen: number
  last: number
  records: number
  bytes: number
}

/** What a scope keeps. Of each part of the ids the first records stand for all. */
export function createUsage(db: Database, transactions: Transactions) {
  const range = db.prepare(sql.idRange)
  const look = db.prepare(sql.usage)

  return function* usage(scope: string): Scan<StoreStats> {
    const { first, last } = transactions.read(() => range.get()) as { first: number | null; last: number }
    let records = 0
    let bytes = 0
    const width = Math.max(ROWS_PER_STRETCH, Math.ceil((last - (first ?? last) + 1) / STRETCHES))
    for (let from = first ?? last + 1; from <= last; from += width) {
      const part = transactions.read(() => look.get(scope, Date.now(), from, from + width, ROWS_PER_STRETCH)) as Seen
      const share = part.seen < ROWS_PER_STRETCH ? 1 : width / (part.last - from + 1)
      records += part.records * share
      bytes += part.bytes * share
      yield
    }
    return { records: Math.round(records), bytes: Math.round(bytes) }
  }
}
