import { useState } from 'preact/hooks'
import { countDead, getDead, redriveDead, redriveRecord, type Selection } from '../api/client'
import type { AcceptedEvent, RedriveProgress } from '../api/types'
import { count } from '../format'
import { useLive } from '../live'
import { Empty, Loading } from '../parts/empty'
import { Failure } from '../parts/failure'
import { Filters } from '../parts/filters'
import { KeyCell } from '../parts/key-cell'
import { useLoad } from '../parts/load'
import { Moment } from '../parts/moment'
import { notify } from '../parts/notice'
import { Pager } from '../parts/pager'
import { RunMany } from '../parts/run-many'
import { visible } from '../parts/visible'
import { link } from '../router'
import { sumKnown } from '../sum-known'

/** Accepted deliveries that no attempt is left for, and beginning them again. */
export function DeadLetters({ query }: { query: URLSearchParams }) {
  const given = (name: string) => query.get(name) ?? undefined
  const [source, since, until, error] = [given('source'), given('since'), given('until'), given('error')]
  const after = given('after')
  const selected: Selection = { ...(source && { source }), ...(since && { since }), ...(until && { until }) }
  const page = useLoad(() => getDead({ ...selected, ...(after && { after }) }), [source, since, until, after])
  const events = page.data?.events.filter(({ last_error }) => error === undefined || last_error?.includes(error))

  const filters = { source, since, until, error }
  const many = { ...selected, ...(error !== undefined && { error }) }

  return (
    <>
      <div class="page-head">
        <h1>Dead letters</h1>
        <DeadCount source={source} />
        <button type="button" class="small" onClick={page.reload}>
          Refresh
        </button>
      </div>
      <Filters path={['dead']} query={query} times="Accepted" fields={['error']}>
        <label class="field wide">
          <span>Error</span>
          <input name="error" defaultValue={error ?? ''} placeholder="part of the last error" spellcheck={false} />
        </label>
      </Filters>
      {page.error !== undefined ? (
        <Failure error={page.error} retry={page.reload} />
      ) : events === undefined ? (
        <Loading />
      ) : (
        <>
          <RunMany
            key={String(query)}
            verb="Redrive"
            narrowed={Object.values(filters).some(Boolean)}
            disabled={events.length === 0 && page.data?.next === null}
            countMatching={() => countDead(many)}
            run={(...told) => redriveDead(many, ...told)}
            said={said}
            onDone={page.reload}
          >
            <p>A new round of attempts begins for each. Is what they failed at mended?</p>
          </RunMany>
          {events.length > 0 ? (
            <DeadTable events={events} onChange={page.reload} />
          ) : (
            <Nothing filtered={Object.values(filters).some(Boolean)} more={page.data?.next !== null} />
          )}
        </>
      )}
      <Pager of="dead letters" path={['dead']} filters={filters} after={after} next={page.data?.next} />
    </>
  )
}

function said({ redriven, looked, done, error }: RedriveProgress, running: boolean): string {
  const counts = `${count(redriven)} redriven of ${count(looked)} looked at`
  if (running) return `${counts}…`
  if (done) return `${counts}.`
  return `${counts}; ${error === undefined ? 'stopped' : `broken off: ${error}`}. Redrive again to go on.`
}

function DeadCount({ source }: { source: string | undefined }) {
  const { overview } = useLive()
  const inboxes = Object.entries(overview?.inbox ?? {}).filter(([name]) => source === undefined || name === source)
  if (inboxes.length === 0) return null
  const dead = sumKnown(inboxes.map(([, { dead }]) => dead))
  return <p class="muted">{dead === null ? 'how many: not known' : `${count(dead)} in all`}</p>
}

function Nothing({ filtered, more }: { filtered: boolean; more: boolean }) {
  if (more) return <Empty title="Nothing on this page fits">Look further down: older ones may.</Empty>
  if (!filtered) {
    return (
      <Empty title="Nothing is dead">
        <p>A delivery that an inbox accepted comes here when the last of its attempts has failed.</p>
      </Empty>
    )
  }
  return (
    <Empty title="Nothing fits">
      <p>
        <a href={link(['dead'])}>Show all that is dead</a>
      </p>
    </Empty>
  )
}

function DeadTable({ events, onChange }: { events: AcceptedEvent[]; onChange(): void }) {
  const [error, setError] = useState<unknown>()
  const redrive = ({ source, key }: AcceptedEvent) => {
    setError(undefined)
    redriveRecord(source, key).then(() => {
      notify('It is due now.')
      onChange()
    }, setError)
  }
  return (
    <>
      {error !== undefined && <Failure error={error} />}
      <table>
        <caption class="hidden">Dead letters</caption>
        <thead>
          <tr>
            <th scope="col">Key and last error</th>
            <th scope="col" class="wide-only">
              Accepted
            </th>
            <th scope="col" class="number wide-only">
              Attempts
            </th>
            <th scope="col">
              <span class="hidden">Action</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {events.map(event => (
            <tr key={`${event.source} ${event.key}`}>
              <KeyCell href={link(['records', event.source, event.key])} text={event.key} source={event.source}>
                <span class="error-line block">{visible(event.last_error ?? '')}</span>
              </KeyCell>
              <td class="wide-only">
                <Moment at={event.accepted_at} />
              </td>
              <td class="number wide-only">{event.attempts}</td>
              <td class="number">
                <button type="button" class="small" onClick={() => redrive(event)}>
                  Redrive
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  )
}
