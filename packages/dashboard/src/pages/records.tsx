import { ApiError, getRecord, getRecords, getSources, type RecordFilter } from '../api/client'
import type { RecordPage, RecordSummary } from '../api/types'
import { StateBadge } from '../parts/badges'
import { Empty, Loading } from '../parts/empty'
import { Failure } from '../parts/failure'
import { useLoad } from '../parts/load'
import { Moment } from '../parts/moment'
import { Pager } from '../parts/pager'
import { type Given, givenIn, RecordSearch, STATES } from '../parts/record-search'
import { visible } from '../parts/visible'
import { link } from '../router'

type RecordQuery = RecordFilter & { after?: string }

/** What is recorded, newest first; or what is recorded for one key. */
export function Records({ query }: { query: URLSearchParams }) {
  const given = givenIn(query)
  const after = query.get('after') ?? undefined
  const { data, error, reload } = useLoad<RecordPage>(() => pageOf(given, after), [String(query)])

  return (
    <>
      <div class="page-head">
        <h1>Records</h1>
        <button type="button" class="small" onClick={reload}>
          Refresh
        </button>
      </div>
      <RecordSearch key={String(query)} given={given} />
      {error !== undefined ? (
        <Failure error={error} retry={reload} />
      ) : data === undefined ? (
        <Loading />
      ) : data.records.length === 0 && data.next === undefined ? (
        <Nothing filtered={Object.keys(given).length > 0} />
      ) : (
        <RecordTable records={data.records} />
      )}
      <Pager of="records" path={['records']} filters={given} after={after} next={data?.next} />
    </>
  )
}

/** How long a search goes on that has not filled its page. */
const SEARCH_MS = 3_000
const PAGE = 50

/** A page of what fits. A key without a star at its end is a name: a record's key or its label. */
function pageOf({ key, state, ...filter }: Given, after: string | undefined): Promise<RecordPage> {
  const states = STATES.find(each => each === state)
  const query: RecordQuery = { ...filter, ...(states && { state: states }), ...(after && { after }) }
  if (key?.endsWith('*')) return filled({ ...query, key_prefix: key.slice(0, -1) })
  if (key !== undefined) return lookUp(key, query)
  return filled({ ...query, ...(states === undefined && { order: 'newest' }) })
}

/** The server looks at a bounded number of records for each answer. */
async function filled(query: RecordQuery): Promise<RecordPage> {
  const until = performance.now() + SEARCH_MS
  let page = await getRecords(query)
  const { records } = page
  while (page.next !== undefined && records.length < PAGE && performance.now() < until) {
    page = await getRecords({ ...query, after: page.next, limit: String(PAGE - records.length) })
    records.push(...page.records)
  }
  return { ...page, records }
}

function Nothing({ filtered }: { filtered: boolean }) {
  if (filtered) {
    return (
      <Empty title="Nothing fits">
        <p>
          A record is gone when its retention is over; by type, term, error and time those are found that began while
          the index of events was kept. <a href={link(['records'])}>Show all</a>
        </p>
      </Empty>
    )
  }
  return (
    <Empty title="Nothing is recorded yet">
      <p>
        A record is made by the first delivery that has a key. <a href={link(['test'])}>Send a test delivery</a>
      </p>
    </Empty>
  )
}

function RecordTable({ records }: { records: RecordSummary[] }) {
  return (
    <table>
      <caption class="hidden">Records</caption>
      <thead>
        <tr>
          <th scope="col">Key</th>
          <th scope="col">State</th>
          <th scope="col" class="number wide-only">
            Attempts
          </th>
          <th scope="col">Created</th>
          <th scope="col" class="wide-only">
            Forgotten
          </th>
        </tr>
      </thead>
      <tbody>
        {records.map(record => (
          <tr key={`${record.source} ${record.key}`}>
            <td class="key">
              <a href={link(['records', record.source, record.key])}>{record.key}</a>
              {record.label !== null && <span class="block">{record.label}</span>}
              {record.event_type && <span class="block">{visible(record.event_type)}</span>}
              <span class="muted block">{record.source}</span>
              <LastError record={record} />
            </td>
            <td>
              <StateBadge record={record} />
            </td>
            <td class="number wide-only">
              {record.attempts}
              {record.losses > 0 && <span class="muted"> ({record.losses} lost)</span>}
            </td>
            <td>
              <Moment at={record.created_at} far={false} />
            </td>
            <td class="wide-only">
              {record.expires_at === null ? '–' : <Moment at={record.expires_at} far={false} />}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** Red only where it stands: an attempt that failed before a later one succeeded is history. */
function LastError({ record: { state, last_error } }: { record: RecordSummary }) {
  if (last_error === null || state === 'completed') return null
  const stands = state === 'failed' || state === 'dead'
  return <span class={stands ? 'error-line block' : 'muted block'}>{visible(last_error)}</span>
}

/**
 * What has this name, as its key or its label. Every source has keys of its own: the same key may be recorded in several.
 */
async function lookUp(name: string, query: RecordQuery): Promise<RecordPage> {
  const { source, state, after } = query
  const [keyed, { records, ...rest }] = await Promise.all([
    after === undefined ? withKey(name, source) : [],
    filled({ ...query, label: name }),
  ])
  return { ...rest, records: [...keyed.filter(record => state === undefined || record.state === state), ...records] }
}

async function withKey(key: string, source: string | undefined): Promise<RecordSummary[]> {
  const sources = source === undefined ? (await getSources()).map(({ name }) => name) : [source]
  const found = await Promise.all(
    sources.map(source =>
      getRecord(source, key).catch((error: unknown) => {
        if (error instanceof ApiError && error.status === 404) return undefined
        throw error
      }),
    ),
  )
  return found.filter(record => record !== undefined)
}
