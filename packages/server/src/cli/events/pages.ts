import type { Query, ServerApi } from '../server-api.js'
import type { EventsOptions } from './options.js'

/** What all lists have. */
export interface ListedRow {
  id?: string
  source: string
  key: string | null
  at: string
  status: number | null
  outcome: string
  findings?: { text: string }[]
}

export interface Looked {
  found: ListedRow[]
  /** How many were looked at up to now. */
  looked: number
}

const LISTS = {
  kept: { path: 'api/deliveries', field: 'deliveries', content: 'api/delivery' },
  failed: { path: 'api/failed', field: 'failed', content: 'api/failed/delivery' },
  refused: { path: 'api/refused', field: 'refused', content: 'api/refused/delivery' },
}

const PAGE = 100

/** The deliveries of one source that match, a page at a time, newest first. */
export async function* pagesOf(
  api: ServerApi,
  { which, since, until, contains }: Pick<EventsOptions, 'which' | 'since' | 'until' | 'contains'>,
  source: string,
): AsyncGenerator<Looked> {
  const { path, field } = LISTS[which]
  let looked = 0
  for (let after: string | undefined; ; ) {
    const query: Query = { source, since: isoTime(since), until: isoTime(until), limit: PAGE, after }
    const page = await api.get<Record<string, unknown>>(path, query)
    const listed = page[field] as ListedRow[]
    looked += listed.length
    yield { found: contains === undefined ? listed : await containing(api, which, listed, contains), looked }
    after = page.next as string | undefined
    if (after === undefined) return
  }
}

const isoTime = (ms: number | undefined): string | undefined =>
  ms === undefined ? undefined : new Date(ms).toISOString()

const FETCHED_AT_ONCE = 8

async function containing(
  api: ServerApi,
  which: EventsOptions['which'],
  listed: ListedRow[],
  text: string,
): Promise<ListedRow[]> {
  const found: ListedRow[] = []
  for (let from = 0; from < listed.length; from += FETCHED_AT_ONCE) {
    const some = listed.slice(from, from + FETCHED_AT_ONCE)
    const bodies = await Promise.all(some.map(row => bodyOf(api, which, row)))
    found.push(...some.filter((_, i) => bodies[i]!.includes(text)))
  }
  return found
}

async function bodyOf(api: ServerApi, which: EventsOptions['which'], { source, id, key }: ListedRow): Promise<Buffer> {
  const named: Query = which === 'failed' ? { source, key: key! } : { source, id }
  const found = await api.find<Body & { delivery?: Body }>(LISTS[which].content, named)
  const { body = null, body_encoding = 'utf8' } = found?.delivery ?? found ?? {}
  return Buffer.from(body ?? '', body_encoding)
}

interface Body {
  body?: string | null
  body_encoding?: 'utf8' | 'base64'
}

/** The columns of a list. */
export function shownAs(which: EventsOptions['which']): { head: string[]; row(row: ListedRow): string[] } {
  const status = ({ status }: ListedRow) => (status === null ? '-' : String(status))
  if (which === 'refused') {
    return {
      head: ['AT', 'SOURCE', 'STATUS', 'ID', 'LIKELY REASON'],
      row: row => [row.at, row.source, status(row), row.id ?? '', row.findings?.[0]?.text ?? row.outcome],
    }
  }
  return {
    head: ['AT', 'SOURCE', 'KEY', 'OUTCOME', 'STATUS', 'ID'],
    row: row => [row.at, row.source, row.key ?? '-', row.outcome, status(row), row.id ?? row.key ?? '-'],
  }
}
