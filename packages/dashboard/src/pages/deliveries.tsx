import { useEffect, useState } from 'preact/hooks'
import { getDeliveries, type Selection, searchBodies } from '../api/client'
import type { KeptDelivery, KeptPage, SearchProgress } from '../api/types'
import { count } from '../format'
import { OutcomeBadge, StatusBadge } from '../parts/badges'
import { Empty, Loading } from '../parts/empty'
import { Failure } from '../parts/failure'
import { Filters } from '../parts/filters'
import { KeyCell } from '../parts/key-cell'
import { useLoad } from '../parts/load'
import { Moment } from '../parts/moment'
import { Pager } from '../parts/pager'
import { link } from '../router'

/** Deliveries that are kept with their content, listed or searched. */
export function Deliveries({ query }: { query: URLSearchParams }) {
  const given = (name: string) => query.get(name) ?? undefined
  const [source, since, until, contains] = [given('source'), given('since'), given('until'), given('contains')]
  const selected: Selection = { ...(source && { source }), ...(since && { since }), ...(until && { until }) }
  return (
    <>
      <div class="page-head">
        <h1>Deliveries</h1>
      </div>
      <Filters path={['deliveries']} query={query} times="Received" fields={['contains']}>
        <label class="field wide">
          <span>Body contains</span>
          <input name="contains" defaultValue={contains ?? ''} placeholder="4711" spellcheck={false} />
        </label>
      </Filters>
      {contains === undefined ? (
        <Listed selected={selected} after={given('after')} />
      ) : (
        <Found key={String(query)} selected={selected} contains={contains} />
      )}
    </>
  )
}

function Listed({ selected, after }: { selected: Selection; after: string | undefined }) {
  const { source, since, until } = selected
  const page = useLoad(() => getDeliveries({ ...selected, ...(after && { after }) }), [source, since, until, after])
  if (page.error !== undefined) return <Failure error={page.error} retry={page.reload} />
  if (page.data === undefined) return <Loading />
  const { deliveries, kept, next } = page.data
  return (
    <>
      {kept !== undefined && <p class="muted">{KEPT[kept]}</p>}
      {deliveries.length > 0 ? (
        <DeliveryTable deliveries={deliveries} />
      ) : (
        <Empty title="No delivery is kept here">
          <p>An inbox keeps what it accepted, another source what failed, or all if it is set so.</p>
        </Empty>
      )}
      <Pager of="deliveries" path={['deliveries']} filters={{ ...selected }} after={after} next={next} />
    </>
  )
}

const KEPT: Record<NonNullable<KeptPage['kept']>, string> = {
  accepted: 'This source keeps what its inbox accepted.',
  failed: 'This source keeps what failed; HOOKONCE_RECORD_DELIVERY=all keeps everything.',
  all: 'This source keeps every delivery.',
  none: 'This source keeps no deliveries.',
}

/** Searches as it is shown, until all is read or it is stopped. */
function Found({ selected, contains }: { selected: Selection; contains: string }) {
  const [found, setFound] = useState<KeptDelivery[]>([])
  const [last, setLast] = useState<SearchProgress>()
  const [error, setError] = useState<unknown>()
  const [running, setRunning] = useState<AbortController>()
  useEffect(() => {
    const controller = new AbortController()
    setRunning(controller)
    const told = (progress: SearchProgress) => {
      setLast(progress)
      if (progress.found.length > 0) setFound(before => [...before, ...progress.found])
    }
    searchBodies({ ...selected, contains }, told, controller.signal)
      .catch((error: unknown) => controller.signal.aborted || setError(error))
      .finally(() => setRunning(undefined))
    return () => controller.abort()
  }, [])

  return (
    <>
      <div class="actions">
        {running !== undefined && (
          <button type="button" onClick={() => running.abort()}>
            Stop
          </button>
        )}
        <p role="status" class="progress">
          {running !== undefined && <progress aria-label="Search" />}
          {last !== undefined && said(last, found.length, running !== undefined)}
        </p>
      </div>
      {error !== undefined && <Failure error={error} />}
      {found.length > 0 && <DeliveryTable deliveries={found} />}
    </>
  )
}

function said({ looked, done, error }: SearchProgress, found: number, running: boolean): string {
  const counts = `${count(found)} found, ${count(looked)} looked at`
  if (running) return `${counts}…`
  if (done) return `${counts}.`
  return `${counts}; ${error === undefined ? 'stopped' : `broken off: ${error}`}.`
}

function DeliveryTable({ deliveries }: { deliveries: KeptDelivery[] }) {
  return (
    <table>
      <caption class="hidden">Deliveries</caption>
      <thead>
        <tr>
          <th scope="col">Key</th>
          <th scope="col">Answered</th>
          <th scope="col" class="wide-only">
            Received
          </th>
        </tr>
      </thead>
      <tbody>
        {deliveries.map(({ id, source, key, at, outcome, status }) => (
          <tr key={`${source} ${id}`}>
            <KeyCell href={link(['deliveries', source, id])} text={key ?? 'without a key'} source={source} />
            <td>
              {status !== null && <StatusBadge status={status} />} <OutcomeBadge outcome={outcome} />
            </td>
            <td class="wide-only">
              <Moment at={at} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
