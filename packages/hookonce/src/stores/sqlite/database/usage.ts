import type { StoreStats } from '../../store.js'
import { sql } from '../sql.generated.js'
import type { Database } from './driver.js'
import type { Scan } from './scans.js'
import type { Transactions } from './transaction.js'

/** The sample: this many stretches, spread evenly over all ids. Together they take about 10 ms. */
const STRETCHES = 50
const ROWS_PER_STRETCH = 200

interface Sample {
  seen: number
  last: number
  records: number
  bytes: number
}

/** Estimates what a scope keeps: in each part of the ids the first records stand for all. */
export function createUsage(db: Database, transactions: Transactions, now: () => number) {
  const range = db.prepare(sql.idRange)
  const sample = db.prepare(sql.usage)

  return function* usage(scope: string): Scan<StoreStats> {
    const { first, last } = transactions.read(() => range.get()) as { first: number | null; last: number }
    let records = 0
    let bytes = 0
    const width = Math.max(ROWS_PER_STRETCH, Math.ceil((last - (first ?? last) + 1) / STRETCHES))
    for (let from = first ?? last + 1; from <= last; from += width) {
      const part = transactions.read(() => sample.get(scope, now(), from, from + width, ROWS_PER_STRETCH)) as Sample
      const share = part.seen < ROWS_PER_STRETCH ? 1 : width / (part.last - from + 1)
      records += part.records * share
      bytes += part.bytes * share
      yield
    }
    return { records: Math.round(records), bytes: Math.round(bytes) }
  }
}
