import { StoreError } from '../../errors.js'
import type { ListQuery, RecordPage, RecordSummary, StoreStats } from '../../store.js'
import type { Repeatable } from './asking.js'
import type { Connections } from './connections.js'
import { summaryOf } from './rows.js'
import type { Statements } from './statements.js'

/** Rows a step of a list looks at: about 10 ms of the server's time. */
const ROWS_PER_LIST_STEP = 5000
/** Rows a step of a purge removes: its locks are held for some 10 ms. */
export const ROWS_PER_PURGE_STEP = 500
const LARGEST_ID = '9223372036854775807'

/** Asks one short step of the server, with a time limit of its own. */
export type Step = <T>(repeatable: Repeatable, ask: (by: number) => Promise<T>) => Promise<T>

/** Work over many records: no step is long, however many there are. */
export function createScans({ run }: Connections, statements: Statements, step: Step) {
  return {
    async list({ scope, state, limit, after = LARGEST_ID }: ListQuery): Promise<RecordPage> {
      if (!Number.isInteger(limit) || limit < 1 || limit > 1000 || !/^\d{1,19}$/.test(after)) {
        throw new StoreError("list: limit must be 1 to 1000 and after a page's next", 'refused')
      }
      const found: { id: string; summary: RecordSummary }[] = []
      let before = after
      // One more than asked for tells whether there is a next page.
      while (found.length <= limit) {
        const missing = limit + 1 - found.length
        const lowest = await step('always', async by => {
          const [[last] = [null]] = await run(statements.stretch, [before, ROWS_PER_LIST_STEP], by)
          if (last === null) return undefined
          const rows = await run(statements.list, [before, last, scope ?? null, state ?? null, missing], by)
          for (const row of rows) found.push({ id: String(row[0]), summary: summaryOf(row) })
          return String(last)
        })
        if (lowest === undefined) break
        before = lowest
      }
      const page = found.slice(0, limit)
      const records = page.map(({ summary }) => summary)
      return found.length > limit ? { records, next: page.at(-1)!.id } : { records }
    },

    async stats(): Promise<StoreStats> {
      const [[records, bytes] = []] = await step('always', by => run(statements.stats, [], by))
      return { ...(Number(records) >= 0 && { records: Number(records) }), bytes: Number(bytes) }
    },

    async purge(limit: number): Promise<number> {
      let removed = 0
      while (removed < limit) {
        const wanted = Math.min(limit - removed, ROWS_PER_PURGE_STEP)
        const [[count] = [0]] = await step('if refused', by => run(statements.purge, [wanted], by))
        removed += Number(count)
        if (Number(count) < wanted) break
      }
      return removed
    },
  }
}
