import { type ListQuery, PAGE_MS, type RecordPage, type RecordSummary, type StoreStats } from '../../store.js'
import { sql } from '../sql.generated.js'
import type { Database, SqliteStatement } from './driver.js'
import { type RecordRow, summaryOf } from './rows.js'
import type { Transactions } from './transaction.js'

/**
 * Work over many records: each `next()` is one short step in its own transaction, so that batches run in between.
 * `busy`: another process has the write lock, and the step is to be tried again later.
 */
export type Scan<Result> = Generator<'busy' | undefined, Result, undefined>

const ROWS_PER_LIST_STEP = 2000
/** A page ends after this many steps, because matching records may be rare. */
const STEPS_PER_PAGE = 50
const ROWS_PER_COUNT_STEP = 50_000
/**
 * Each removed row dirties a page of the index of keys. A step of 100 rows more than doubles the latency of claims
 * compared with 40, and a purge gains a third.
 */
const ROWS_PER_PURGE_STEP = 40
/** A purge step ends after this long too, because rows with large results take longer to remove. */
const PURGE_STEP_MS = 4
const PAGES_PER_VACUUM_STEP = 200

/** `now`: the store's clock. */
export function createScans(db: Database, transactions: Transactions, now: () => number) {
  const scanEnd = db.prepare(sql.scanEnd)
  const list = db.prepare(sql.list)
  const skip = db.prepare(sql.skip)
  const count = db.prepare(sql.count)
  const skipExpired = db.prepare(sql.skipExpired)
  const countExpired = db.prepare(sql.countExpired)
  const expired = db.prepare(sql.expired)
  const raiseFloor = db.prepare(sql.raiseFloor)
  const remove = db.prepare(sql.remove)
  const size = db.prepare(sql.size)
  const vacuum = db.prepare(`PRAGMA incremental_vacuum(${PAGES_PER_VACUUM_STEP})`)

  const totalChanges = db.prepare('SELECT total_changes() AS changes')
  let isPurging = false

  const changesSoFar = () => (totalChanges.get() as { changes: number }).changes
  const sizeNow = () => size.get() as { pages: number; free: number; page_size: number }

  function purgeStep(limit: number): { removed: number; more: boolean } {
    const rows = expired.all(now(), limit) as Pick<RecordRow, 'id' | 'fencing_token'>[]
    const deadline = performance.now() + PURGE_STEP_MS
    let removed = 0
    let highestToken = 0
    for (const row of rows) {
      remove.run(row.id)
      removed++
      highestToken = Math.max(highestToken, row.fencing_token)
      if (performance.now() >= deadline) break
    }
    if (removed > 0) raiseFloor.run(highestToken)
    return { removed, more: removed < rows.length || removed === limit }
  }

  function* purge(limit: number): Scan<number> {
    let removed = 0
    while (removed < limit) {
      const step = transactions.write(() => purgeStep(Math.min(limit - removed, ROWS_PER_PURGE_STEP)))
      removed += step.removed
      if (!step.more) break
      yield
    }
    return removed
  }

  /** Runs a step under the write lock, once no other process has it. */
  function* underWriteLock<T>(step: () => T): Scan<T> {
    while (!transactions.tryBegin()) yield 'busy'
    return transactions.finish(step)
  }

  /** Counts the records of an index: `skip` steps over many at a time, `rest` counts the last ones. */
  function* counted(skip: SqliteStatement, rest: SqliteStatement, ...limits: number[]): Scan<number> {
    let position = [0, 0]
    for (let records = 0; ; records += ROWS_PER_COUNT_STEP) {
      const [further, last] = transactions.read(() => {
        const next = skip.get(...position, ...limits, ROWS_PER_COUNT_STEP - 1)
        return [next, next === undefined ? (rest.get(...position, ...limits) as { records: number }).records : 0]
      })
      if (further === undefined) return records + last
      position = Object.values(further as Record<string, number>)
      yield
    }
  }

  return {
    *list({ scope = undefined, state = undefined, limit, after }: ListQuery): Scan<RecordPage> {
      const found: { id: number; summary: RecordSummary }[] = []
      let before = after === undefined ? Number.MAX_SAFE_INTEGER : Number(after)
      let isLast = false
      // One record more than the page shows whether there is a next page.
      const until = performance.now() + PAGE_MS
      for (let steps = 0; found.length <= limit && steps < STEPS_PER_PAGE; steps++) {
        if (steps > 0 && performance.now() >= until) break
        const atEnd = transactions.read(() => {
          const at = now()
          const { lowest } = scanEnd.get(before, ROWS_PER_LIST_STEP) as { lowest: number | null }
          if (lowest === null) return true
          const [wantedScope, wantedState, missing] = [scope ?? null, state ?? null, limit + 1 - found.length]
          const rows = list.all(before, lowest, at, wantedScope, wantedScope, wantedState, wantedState, missing)
          for (const row of rows as RecordRow[]) found.push({ id: row.id, summary: summaryOf(row, at) })
          before = lowest
          return false
        })
        isLast = atEnd
        if (atEnd) break
        yield
      }
      const page = found.slice(0, limit)
      const records = page.map(({ summary }) => summary)
      if (found.length > limit) return { records, next: String(page.at(-1)!.id) }
      return isLast ? { records } : { records, next: String(before) }
    },

    *stats(): Scan<StoreStats> {
      // The index on expiry has all expired records, but not all others.
      const records = (yield* counted(skip, count)) - (yield* counted(skipExpired, countExpired, now()))
      const { pages, page_size } = transactions.read(sizeNow)
      return { records, bytes: pages * page_size }
    },

    purge,

    /**
     * Removes all expired records, then shrinks the file while most of it is free. If other processes write without a
     * pause, its steps stay `busy`, and {@link purgeBeside} removes the records.
     */
    *tidy(): Scan<undefined> {
      isPurging = true
      while (isPurging) {
        isPurging = (yield* underWriteLock(() => purgeStep(ROWS_PER_PURGE_STEP))).more
        yield
      }
      for (;;) {
        const { pages, free } = sizeNow()
        if (free <= Math.max(pages / 2, PAGES_PER_VACUUM_STEP)) return undefined
        yield* underWriteLock(() => vacuum.all())
        yield
      }
    },

    /** Runs a batch, and in its transaction a step of the purge if one is under way and the batch has written. */
    purgeBeside<T>(batch: () => T): T {
      if (!isPurging) return batch()
      const before = changesSoFar()
      const result = batch()
      if (changesSoFar() > before) isPurging = purgeStep(ROWS_PER_PURGE_STEP).more
      return result
    },
  }
}
