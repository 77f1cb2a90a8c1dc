import type { Journal, JournalEntry, Receiver, ReceiverRecord, RecordSummary } from 'hookonce'
import { eventListOf, eventsIn, type IndexedEvent, SPAN_MS } from '../journal/event-index.js'
import { formatPosition, type PageQuery, type Position, positionIn } from './journal-page.js'

export interface EventFilter {
  /** The beginning of its type. */
  type?: string | undefined
  /** The beginning of its key. */
  key?: string | undefined
  /** One of its terms, the whole of it. */
  term?: string | undefined
  state?: RecordSummary['state'] | undefined
  label?: string | undefined
  /** Part of its last error. */
  error?: string | undefined
}

/** The record of an event. */
export type FoundRecord = RecordSummary & {
  /** `null`: none is known; absent: it was not looked up. */
  eventType?: string | null
}

export interface FoundPage {
  records: FoundRecord[]
  /** Absent on the last page. */
  next?: string
}

/** A filter may match few events: after this time the page ends with what was found, and a `next`. */
const PAGE_MS = 40
/** Of the index, read at once. */
const ENTRIES_AT_ONCE = 20
/** As many records are read at once. */
const RECORDS_AT_ONCE = 16
/** By how much clocks may differ before an event is taken for one of an earlier record of its key. */
const SKEW_MS = 60_000

const idOf = ({ source, key }: IndexedEvent): string => `${source} ${key}`

/** Whether the event is below the position in a list that begins with the newest. */
const isBelow = (event: IndexedEvent, { at, id }: Position): boolean =>
  event.at < at || (event.at === at && idOf(event) < id)

/**
 * The records of the events in the index of these sources, by the time at which their first attempts began, newest first.
 * What was processed before there was an index is not found.
 *
 * @throws {InvalidRequest} `after` is not the `next` of a page
 */
export async function findEvents(
  { receiver, journal }: { receiver: Receiver; journal: Journal },
  sources: readonly string[],
  filter: EventFilter,
  page: PageQuery,
): Promise<FoundPage> {
  const until = performance.now() + PAGE_MS
  const records: FoundRecord[] = []
  const listed = new Set<string>()
  let position: Position | undefined
  for await (const { events, reached } of eventsBelow(journal, sources, page)) {
    const matching = events.filter(event => matches(event, filter))
    for (let from = 0; from < matching.length; from += RECORDS_AT_ONCE) {
      const some = matching.slice(from, from + RECORDS_AT_ONCE)
      const found = await Promise.all(some.map(event => recordOf(receiver, event)))
      for (const [i, record] of found.entries()) {
        const event = some[i]!
        position = { at: event.at, id: idOf(event) }
        if (record === undefined || !fits(record, filter) || listed.has(position.id)) continue
        listed.add(position.id)
        records.push({ ...record, eventType: event.type })
        if (records.length === page.limit) return { records, next: formatPosition(position) }
      }
      if (performance.now() >= until) return { records, next: formatPosition(position!) }
    }
    if (reached === undefined) return { records }
    if (performance.now() >= until && reached.isFurther) return { records, next: formatPosition(reached) }
  }
  return { records }
}

/**
 * Batches of events, newest first. An entry of the index may name events that are older than the entry after it, so that those
 * wait for the next batch. `reached`: where this batch ends, and whether that is further than where the page began; absent in
 * the last.
 */
async function* eventsBelow(
  journal: Journal,
  sources: readonly string[],
  { since = 0, until = Number.MAX_SAFE_INTEGER, after }: PageQuery,
): AsyncGenerator<{ events: IndexedEvent[]; reached?: Position & { isFurther: boolean } }> {
  const top: Position = after === undefined ? { at: until, id: '' } : positionIn(after)
  const wanted = (event: IndexedEvent) => event.at >= since && event.at < until && isBelow(event, top)
  const lists = sources.map(source => ({ source, last: undefined as JournalEntry | undefined, isRead: false }))
  let waiting: IndexedEvent[] = []
  while (lists.some(({ isRead }) => !isRead)) {
    // The list that has been read least far: the others' events wait for it.
    const list = lists.filter(({ isRead }) => !isRead).sort((a, b) => reachOf(b.last) - reachOf(a.last))[0]!
    const entries = await journal.read(eventListOf(list.source), {
      since,
      until: Math.min(until, top.at) + SPAN_MS + 1,
      limit: ENTRIES_AT_ONCE,
      ...(list.last !== undefined && { after: list.last }),
    })
    list.last = entries.at(-1) ?? list.last
    list.isRead = entries.length < ENTRIES_AT_ONCE
    for (const entry of entries) waiting.push(...eventsIn(list.source, entry).filter(wanted))
    const unread = lists.filter(({ isRead }) => !isRead)
    const reach = Math.max(...unread.map(({ last }) => reachOf(last)))
    if (reach === Number.POSITIVE_INFINITY) continue
    waiting.sort((a, b) => b.at - a.at || (idOf(a) < idOf(b) ? 1 : -1))
    // What is unread began at `reach` at the latest.
    const ready = unread.length === 0 ? waiting.length : waiting.findLastIndex(({ at }) => at > reach) + 1
    yield {
      events: waiting.slice(0, ready),
      ...(unread.length > 0 && { reached: { at: reach + 1, id: '', isFurther: reach < top.at } }),
    }
    waiting = waiting.slice(ready)
  }
}

const reachOf = (last: JournalEntry | undefined): number => last?.at ?? Number.POSITIVE_INFINITY

const matches = ({ type, key, terms }: IndexedEvent, filter: EventFilter): boolean =>
  (filter.type === undefined || type?.startsWith(filter.type) === true) &&
  (filter.key === undefined || key.startsWith(filter.key)) &&
  (filter.term === undefined || terms.includes(filter.term))

const fits = ({ state, label, lastError }: RecordSummary, filter: EventFilter): boolean =>
  (filter.state === undefined || state === filter.state) &&
  (filter.label === undefined || label === filter.label) &&
  (filter.error === undefined || lastError?.includes(filter.error) === true)

async function recordOf(receiver: Receiver, event: IndexedEvent): Promise<RecordSummary | undefined> {
  const record = await receiver.record(event.source, event.key)
  const isOfEvent = record !== undefined && record.createdAt <= event.at + SKEW_MS && isPlace(event, record)
  return isOfEvent ? record : undefined
}

/** An event stands where its first attempt began; if that was lost with its process, where the second did. */
function isPlace({ attempt }: IndexedEvent, { history, attempts }: ReceiverRecord): boolean {
  const isLost = history.some(({ number, outcome }) => number === 1 && outcome === 'lost')
  return attempt === (isLost && attempts > 1 ? 2 : 1)
}
