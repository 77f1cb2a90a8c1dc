import { ApiError, getRecord, getRecords, getSources } from '../api/client'
import type { RecordPage, RecordState, RecordSummary } from '../api/types'
import { StateBadge } from '../parts/badges'
import { Empty, Loading } from '../parts/empty'
import { Failure } from '../parts/failure'
import { useLoad } from '../parts/load'
import { Moment } from '../parts/moment'
import { Pager } from '../parts/pager'
import { SourceSelect } from '../parts/source-select'
import { visible } from '../parts/visible'
import { go, link } from '../router'

const STATES: RecordState[] = ['running', 'completed', 'failed', 'pending', 'dead']

/** What is recorded, newest first; or what is recorded for one key. */
export function Records({ query }: { query: URLSearchParams }) {
  const given = (name: string) => query.get(name) ?? undefined
  const [key, source, after] = [given('key'), given('source'), given('after')]
  const state = STATES.find(state => state === given('state'))
  const { data, error, reload } = useLoad<RecordPage>(
    () =>
      key === undefined
        ? getRecords({ ...(source && { source }), ...(state && { state }), ...(after && { after }) })
        : lookUp(key, source, state, after),
    [key, source, state, after],
  )

  const search = (event: Event) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget as HTMLFormElement)
    const field = (name: string) => String(form.get(name)).trim()
    go(link(['records'], { key: field('key'), source: field('source'), state: field('state') }))
  }
  const filtered = key ?? source ?? state

  return (
    <>
      <div class="page-head">
        <h1>Records</h1>
        <button type="button" class="small" onClick={reload}>
          Refresh
        </button>
      </div>
      <search>
        <form class="filters" key={String(query)} onSubmit={search}>
          <label class="field wide">
            <span>Key or label</span>
            <input name="key" type="search" defaultValue={key ?? ''} placeholder="the whole of it" spellcheck={false} />
          </label>
          <SourceSelect value={source} all />
          <label class="field">
            <span>State</span>
            <select name="state" defaultValue={state ?? ''}>
              <option value="">all</option>
              {STATES.map(each => (
                <option key={each} value={each} selected={each === state}>
                  {each}
                </option>
              ))}
            </select>
          </label>
          <button type="submit" class="primary">
            Search
          </button>
        </form>
      </search>
      {error !== undefined ? (
        <Failure error={error} retry={reload} />
      ) : data === undefined ? (
        <Loading />
      ) : data.records.length === 0 && data.next === undefined ? (
        <Nothing filtered={filtered !== undefined} />
      ) : (
        <RecordTable records={data.records} />
      )}
      <Pager of="records" path={['records']} filters={{ key, source, state }} after={after} next={data?.next} />
    </>
  )
}

function Nothing({ filtered }: { filtered: boolean }) {
  if (filtered) {
    return (
      <Empty title="Nothing fits">
        <p>
          Keys and labels are compared as a whole, and a record is gone when its retention is over.{' '}
          <a href={link(['records'])}>Show all</a>
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
async function lookUp(
  name: string,
  source: string | undefined,
  state: RecordState | undefined,
  after: string | undefined,
): Promise<RecordPage> {
  const [keyed, { records, ...rest }] = await Promise.all([
    after === undefined ? withKey(name, source) : [],
    getRecords({ label: name, ...(source && { source }), ...(state && { state }), ...(after && { after }) }),
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
