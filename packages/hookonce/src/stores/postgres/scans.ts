import { StoreError } from '../../errors.js'
import { type ListQuery, NEVER, PAGE_MS, type RecordPage, type StoreStats } from '../store.js'
import type { Connections, Row } from './connections.js'
import type { Repeatable } from './retry.js'
import { summaryOf } from './rows.js'
import type { Statements } from './statements.js'

/** Rows that one step of a list reads: about 10 ms of the server's time. */
const ROWS_PER_LIST_STEP = 5000
/** After so many steps a page ends, even if it is short. */
const STEPS_PER_PAGE = 8
/** Rows that one step of a purge deletes: it holds their locks for about 10 ms. */
export const ROWS_PER_PURGE_STEP = 500
/** About 10,000 records of the usual size, and 50 ms of a busy server's time. */
const PAGES_SAMPLED = 4000
const LARGEST = '9223372036854775807'

/** Runs one short step, with its own time limit and retries. */
export type RunStep = <T>(repeatable: Repeatable, step: (by: number) => Promise<T>) => Promise<T>

/** What one step of a list found, and where the next step begins; `undefined`: it was the last. */
interface ListStep {
  rows: Row[]
  next: string[] | undefined
}

/** Operations on many records, in short steps. */
export function createScans({ run }: Connections, statements: Statements, runStep: RunStep) {
  /** Runs steps until there is one record more than the page has: that means that there is a next page. */
  async function page(
    limit: number,
    start: string[],
    step: (from: string[], missing: number, by: number) => Promise<ListStep>,
    cursorOf: (row: Row) => string,
  ): Promise<RecordPage> {
    const found: Row[] = []
    let next: string[] | undefined = start
    const until = performance.now() + PAGE_MS
    for (let steps = 0; next !== undefined && found.length <= limit && steps < STEPS_PER_PAGE; steps++) {
      if (steps > 0 && performance.now() >= until) break
      const from: string[] = next
      const result: ListStep = await runStep('always', by => step(from, limit + 1 - found.length, by))
      found.push(...result.rows)
      next = result.next
    }
    const records = found.slice(0, limit).map(summaryOf)
    if (found.length > limit) return { records, next: cursorOf(found[limit - 1]!) }
    return next === undefined ? { records } : { records, next: next.join('.') }
  }

  /** In the order of ids. */
  async function listAll({ scope, state, limit, after = LARGEST }: ListQuery): Promise<RecordPage> {
    validate(limit, /^\d{1,19}$/.test(after))
    const step = async ([before]: string[], missing: number, by: number) => {
      const [[last] = [null]] = await run(statements.scanEnd, [before, ROWS_PER_LIST_STEP], by)
      if (last === null) return { rows: [], next: undefined }
      return {
        rows: await run(statements.list, [before, last, scope ?? null, state ?? null, missing], by),
        next: [String(last)],
      }
    }
    return page(limit, [after], step, row => String(row[0]))
  }

  /** Accepted records or those of one label, in the order of their creation and ids. */
  async function listByCreation(query: ListQuery): Promise<RecordPage> {
    const { scope, state, label, accepted = false, limit, since = 0, until = Number.POSITIVE_INFINITY, after } = query
    validate(limit, after === undefined || /^\d{1,19}\.\d{1,19}$/.test(after))
    const earliest = timeOf(since)
    const step = async (before: string[], missing: number, by: number) => {
      const range = [...before, earliest, ROWS_PER_LIST_STEP]
      const [end] = await (label === undefined
        ? run(statements.scanEndAccepted, range, by)
        : run(statements.scanEndLabelled, [...range, label], by))
      const last = end?.map(String) ?? [earliest, '0']
      const filter = [...before, ...last, scope ?? null, state ?? null, missing]
      const rows = await (label === undefined
        ? run(statements.listAccepted, filter, by)
        : run(statements.listLabelled, [...filter, label, accepted], by))
      return { rows, next: end && last }
    }
    return page(limit, after?.split('.') ?? [timeOf(until), '0'], step, row => `${row[9]}.${row[0]}`)
  }

  return {
    list(query: ListQuery): Promise<RecordPage> {
      return query.accepted || query.label !== undefined ? listByCreation(query) : listAll(query)
    },

    async stats(): Promise<StoreStats> {
      const [[records, bytes] = []] = await runStep('always', by => run(statements.stats, [], by))
      return { ...(Number(records) >= 0 && { records: Number(records) }), bytes: Number(bytes) }
    },

    async usage(scope: string): Promise<StoreStats> {
      const [[records, bytes] = []] = await runStep('always', by => run(statements.usage, [scope, PAGES_SAMPLED], by))
      return { records: Number(records), bytes: Number(bytes) }
    },

    async purge(limit: number): Promise<number> {
      let removed = 0
      while (removed < limit) {
        const wanted = Math.min(limit - removed, ROWS_PER_PURGE_STEP)
        const [[count] = [0]] = await runStep('if refused', by => run(statements.purge, [wanted], by))
        removed += Number(count)
        if (Number(count) < wanted) break
      }
      return removed
    },
  }
}

/** @throws StoreError */
function validate(limit: number, isCursor: boolean): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000 || !isCursor) {
    throw new StoreError("list: limit must be 1 to 1000 and after a page's next", 'refused')
  }
}

/** The first whole millisecond at or after `time`, within the range of a `Date`. */
function timeOf(time: number): string {
  return String(Math.ceil(Math.min(Math.max(time, 0), NEVER)))
}
