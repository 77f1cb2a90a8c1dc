import { StoreError } from '../../errors.js'
import { type ListQuery, NEVER, PAGE_MS, type RecordPage, type StoreStats } from '../store.js'
import type { Connections, Row } from './connections.js'
import type { Repeatable } from './retry.js'
import { summaryOf } from './rows.js'
import type { Statements } from './statements.js'

/** Rows a step of a list looks at: about 10 ms of the server's time. */
const ROWS_PER_LIST_STEP = 5000
/** What one page looks at, at most: then it is short, and the next goes on from there. */
const STEPS_PER_PAGE = 8
/** Rows a step of a purge removes: its locks are held for some 10 ms. */
export const ROWS_PER_PURGE_STEP = 500
/** Some 10,000 records of a usual size: about 50 ms of a busy server's time. */
const PAGES_SAMPLED = 4000
const LARGEST = '9223372036854775807'

/** Asks one short step of the server, with a time limit of its own. */
export type Step = <T>(repeatable: Repeatable, ask: (by: number) => Promise<T>) => Promise<T>

/** What one step of a list found, and from where on it was not looked yet; `undefined`: that was all. */
interface Stretch {
  rows: Row[]
  rest: string[] | undefined
}

/** Work over many records: no step is long, however many there are. */
export function createScans({ run }: Connections, statements: Statements, step: Step) {
  /** One step after the other, from a place on, until there is one record more than asked for: it tells of a next page. */
  async function page(
    limit: number,
    from: string[],
    look: (from: string[], missing: number, by: number) => Promise<Stretch>,
    placeOf: (row: Row) => string,
  ): Promise<RecordPage> {
    const found: Row[] = []
    let rest: string[] | undefined = from
    const until = performance.now() + PAGE_MS
    for (let steps = 0; rest !== undefined && found.length <= limit && steps < STEPS_PER_PAGE; steps++) {
      if (steps > 0 && performance.now() >= until) break
      const start: string[] = rest
      const seen: Stretch = await step('always', by => look(start, limit + 1 - found.length, by))
      found.push(...seen.rows)
      rest = seen.rest
    }
    const records = found.slice(0, limit).map(summaryOf)
    if (found.length > limit) return { records, next: placeOf(found[limit - 1]!) }
    return rest === undefined ? { records } : { records, next: rest.join('.') }
  }

  /** By id. */
  async function listAll({ scope, state, limit, after = LARGEST }: ListQuery): Promise<RecordPage> {
    check(limit, /^\d{1,19}$/.test(after))
    const look = async ([before]: string[], missing: number, by: number) => {
      const [[last] = [null]] = await run(statements.stretch, [before, ROWS_PER_LIST_STEP], by)
      if (last === null) return { rows: [], rest: undefined }
      return {
        rows: await run(statements.list, [before, last, scope ?? null, state ?? null, missing], by),
        rest: [String(last)],
      }
    }
    return page(limit, [after], look, row => String(row[0]))
  }

  /** Accepted records or those of one label, by the time of creation and id. */
  async function listInOrder(query: ListQuery): Promise<RecordPage> {
    const { scope, state, label, accepted = false, limit, since = 0, until = Number.POSITIVE_INFINITY, after } = query
    check(limit, after === undefined || /^\d{1,19}\.\d{1,19}$/.test(after))
    const earliest = timeOf(since)
    const look = async (before: string[], missing: number, by: number) => {
      const stretch = [...before, earliest, ROWS_PER_LIST_STEP]
      const [end] = await (label === undefined
        ? run(statements.stretchAccepted, stretch, by)
        : run(statements.stretchLabelled, [...stretch, label], by))
      const last = end?.map(String) ?? [earliest, '0']
      const wanted = [...before, ...last, scope ?? null, state ?? null, missing]
      const rows = await (label === undefined
        ? run(statements.listAccepted, wanted, by)
        : run(statements.listLabelled, [...wanted, label, accepted], by))
      return { rows, rest: end && last }
    }
    return page(limit, after?.split('.') ?? [timeOf(until), '0'], look, row => `${row[9]}.${row[0]}`)
  }

  return {
    list(query: ListQuery): Promise<RecordPage> {
      return query.accepted || query.label !== undefined ? listInOrder(query) : listAll(query)
    },

    async stats(): Promise<StoreStats> {
      const [[records, bytes] = []] = await step('always', by => run(statements.stats, [], by))
      return { ...(Number(records) >= 0 && { records: Number(records) }), bytes: Number(bytes) }
    },

    async usage(scope: string): Promise<StoreStats> {
      const [[records, bytes] = []] = await step('always', by => run(statements.usage, [scope, PAGES_SAMPLED], by))
      return { records: Number(records), bytes: Number(bytes) }
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

/** @throws StoreError */
function check(limit: number, isPlace: boolean): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000 || !isPlace) {
    throw new StoreError("list: limit must be 1 to 1000 and after a page's next", 'refused')
  }
}

/** The first millisecond that is not before. */
function timeOf(time: number): string {
  return String(Math.ceil(Math.min(Math.max(time, 0), NEVER)))
}
