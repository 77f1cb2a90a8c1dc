import type { Journal, ListQuery, Receiver } from 'hookonce'
import type { ResolvedConfig } from '../config/resolve.js'
import { SETTINGS } from '../config/settings.js'
import { InvalidRequest } from '../http/openapi/validation.js'
import { type EventFilter, type FoundPage, type FoundRecord, findEvents } from './event-search.js'
import type { PageQuery } from './journal-page.js'
import { recordPage } from './record-page.js'

export interface RecordSearchContext {
  receiver: Receiver
  journal: Journal
  config: Pick<ResolvedConfig, 'sources' | 'hasEventIndex' | 'store'>
}

export interface RecordQuery extends EventFilter, PageQuery {
  source?: string | undefined
  /** `newest`: in this order on every store, if need be without what the index does not have. */
  order?: 'newest' | undefined
}

/** A filter may match few records: after this time the page ends with what was found, and a `next`. */
const PAGE_MS = 40

/**
 * A page of records: by the index of events where only that has what is asked for, otherwise as the store lists them.
 *
 * @throws {InvalidRequest} it needs the index, and there is none; or `after` is not the `next` of a page
 */
export async function searchRecords(context: RecordSearchContext, query: RecordQuery): Promise<FoundPage> {
  const { source, order, limit, after, since, until, ...filter } = query
  const { type, key, term, error, state, label } = filter
  const isOfIndex = [type, key, term, error, since, until].some(asked => asked !== undefined)
  const { sources: known, hasEventIndex, store } = context.config
  if (isOfIndex && !hasEventIndex) {
    throw new InvalidRequest(`events are not indexed: ${SETTINGS.eventIndex.env} is false`)
  }
  const isUnordered = store.kind === 'redis'
  if (isOfIndex || (order === 'newest' && isUnordered && hasEventIndex)) {
    const sources = source === undefined ? [...known.keys()] : [source]
    return findEvents(context, sources, filter, { since, until, limit, after })
  }
  return listRecords(context.receiver, limit, {
    ...(source !== undefined && { scope: source }),
    ...(state !== undefined && { state }),
    ...(label !== undefined && { label }),
    ...(after !== undefined && { after }),
  })
}

async function listRecords(receiver: Receiver, limit: number, query: Omit<ListQuery, 'limit'>): Promise<FoundPage> {
  const records: FoundRecord[] = []
  let next = query.after
  const until = performance.now() + PAGE_MS
  do {
    const page = await recordPage(receiver, {
      ...query,
      limit: limit - records.length,
      ...(next !== undefined && { after: next }),
    })
    records.push(...page.records)
    next = page.next
  } while (next !== undefined && records.length < limit && performance.now() < until)
  return { records, ...(next !== undefined && { next }) }
}
