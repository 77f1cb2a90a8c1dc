import type { Journal, JournalEntry } from 'hookonce'
import { InvalidRequest } from '../http/openapi/validation.js'

const TIME = { type: 'string' }

/** In the query of a route that lists entries of a journal. */
export const TIME_RANGE = {
  since: { ...TIME, description: 'at this time or later: 2030-01-31T12:00:00Z' },
  until: { ...TIME, description: 'before this time' },
}

export const PAGE_AFTER = { type: 'string', description: '`next` of the page before' }

/** @throws {InvalidRequest} it is no time */
export function timeOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const time = Date.parse(text)
  if (Number.isNaN(time)) throw new InvalidRequest('since and until must be times, e.g. 2030-01-31T12:00:00Z')
  return time
}

export interface PageQuery {
  since?: number | undefined
  until?: number | undefined
  limit: number
  /** The page before's `next`. */
  after?: string | undefined
}

export interface JournalPage {
  entries: { source: string; entry: JournalEntry }[]
  /** Absent on the last page. */
  next?: string
}

/** Entries of the lists of these sources, newest first. @throws {InvalidRequest} `after` is not the `next` of a page */
export async function readPage(
  journal: Journal,
  sources: readonly string[],
  listOf: (source: string) => string,
  { since, until, limit, after }: PageQuery,
): Promise<JournalPage> {
  const query = {
    limit,
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
    ...(after !== undefined && { after: positionIn(after) }),
  }
  const lists = await Promise.all(
    sources.map(async source => (await journal.read(listOf(source), query)).map(entry => ({ source, entry }))),
  )
  const entries = lists
    .flat()
    .sort(({ entry: a }, { entry: b }) => b.at - a.at || (a.id < b.id ? 1 : -1))
    .slice(0, limit)
  if (entries.length < limit) return { entries }
  return { entries, next: formatPosition(entries.at(-1)!.entry) }
}

/** A place in a list: an entry's, or between two. */
export interface Position {
  at: number
  id: string
}

export const formatPosition = ({ at, id }: Position): string => `${at}.${id}`

/** @throws {InvalidRequest} it is not the `next` of a page */
export function positionIn(after: string): Position {
  const [, at, id] = /^(\d{1,16})\.(.*)$/s.exec(after) ?? []
  if (id === undefined) throw new InvalidRequest('after is not the next of a page')
  return { at: Number(at), id }
}
