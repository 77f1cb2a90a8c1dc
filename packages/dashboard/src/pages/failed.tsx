import { useState } from 'preact/hooks'
import { countFailed, getFailed, replayFailed, replayOne, type Selection } from '../api/client'
import type { FailedDelivery, ReplayProgress } from '../api/types'
import { count } from '../format'
import { OutcomeBadge, StatusBadge } from '../parts/badges'
import { Empty, Loading } from '../parts/empty'
import { Failure } from '../parts/failure'
import { Filters } from '../parts/filters'
import { KeyCell } from '../parts/key-cell'
import { useLoad } from '../parts/load'
import { Moment } from '../parts/moment'
import { notify } from '../parts/notice'
import { Pager } from '../parts/pager'
import { RunMany } from '../parts/run-many'
import { link } from '../router'

/** Deliveries of sources without an inbox that failed and have no result yet, and replaying them. */
export function Failed({ query }: { query: URLSearchParams }) {
  const given = (name: string) => query.get(name) ?? undefined
  const [source, since, until, after] = [given('source'), given('since'), given('until'), given('after')]
  const selected: Selection = { ...(source && { source }), ...(since && { since }), ...(until && { until }) }
  const page = useLoad(() => getFailed({ ...selected, ...(after && { after }) }), [source, since, until, after])
  const filters = { source, since, until }
  const narrowed = Object.values(filters).some(Boolean)
  const failed = page.data?.failed

  return (
    <>
      <div class="page-head">
        <h1>Failed</h1>
        <button type="button" class="small" onClick={page.reload}>
          Refresh
        </button>
      </div>
      <p class="muted">
        Of sources that answer with the result: their senders were told, and may retry. What has a result by now is not
        listed.
      </p>
      <Filters path={['failed']} query={query} times="Failed" />
      {page.error !== undefined ? (
        <Failure error={page.error} retry={page.reload} />
      ) : failed === undefined ? (
        <Loading />
      ) : (
        <>
          <RunMany
            key={String(query)}
            verb="Replay"
            narrowed={narrowed}
            disabled={failed.length === 0 && page.data?.next === undefined}
            countMatching={() => countFailed(selected)}
            run={(...told) => replayFailed(selected, ...told)}
            said={said}
            onDone={page.reload}
          >
            <p>Each is processed as if its sender delivered it once more. Is what they failed at mended?</p>
          </RunMany>
          {failed.length > 0 ? (
            <FailedTable failed={failed} onChange={page.reload} />
          ) : (
            <Empty title={narrowed ? 'Nothing fits' : 'Nothing failed'}>
              <p>{narrowed ? <a href={link(['failed'])}>Show all that failed</a> : 'What fails comes here at once.'}</p>
            </Empty>
          )}
        </>
      )}
      <Pager of="failed deliveries" path={['failed']} filters={filters} after={after} next={page.data?.next} />
    </>
  )
}

function said({ replayed, succeeded, failed, done, error }: ReplayProgress, running: boolean): string {
  const counts = `${count(replayed)} replayed: ${count(succeeded)} have a result, ${count(failed)} failed again`
  if (running) return `${counts}…`
  if (done) return `${counts}.`
  return `${counts}; ${error === undefined ? 'stopped' : `broken off: ${error}`}. Replay again to go on.`
}

function FailedTable({ failed, onChange }: { failed: FailedDelivery[]; onChange(): void }) {
  const [error, setError] = useState<unknown>()
  const replay = ({ source, key }: FailedDelivery) => {
    setError(undefined)
    replayOne(source, key).then(({ status }) => {
      notify(status < 300 ? `It was answered ${status}.` : `It failed again: ${status}.`)
      onChange()
    }, setError)
  }
  return (
    <>
      {error !== undefined && <Failure error={error} />}
      <table>
        <caption class="hidden">Failed deliveries</caption>
        <thead>
          <tr>
            <th scope="col">Key</th>
            <th scope="col">Answered</th>
            <th scope="col" class="wide-only">
              Failed
            </th>
            <th scope="col">
              <span class="hidden">Action</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {failed.map(delivery => (
            <tr key={`${delivery.source} ${delivery.key}`}>
              <KeyCell
                href={link(['records', delivery.source, delivery.key])}
                text={delivery.key}
                source={delivery.source}
              />
              <td>
                <StatusBadge status={delivery.status} /> <OutcomeBadge outcome={delivery.outcome} />
              </td>
              <td class="wide-only">
                <Moment at={delivery.at} />
              </td>
              <td class="number">
                {delivery.replayable && (
                  <button type="button" class="small" onClick={() => replay(delivery)}>
                    Replay
                  </button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  )
}
