import { useState } from 'preact/hooks'
import { type DeadQuery, getDead, redriveRecord } from '../api/client'
import type { AcceptedEvent } from '../api/types'
import { count } from '../format'
import { useLive } from '../live'
import { Empty, Loading } from '../parts/empty'
import { Failure } from '../parts/failure'
import { useLoad } from '../parts/load'
import { Moment } from '../parts/moment'
import { notify } from '../parts/notice'
import { RedriveMany } from '../parts/redrive-many'
import { SourceSelect } from '../parts/source-select'
import { visible } from '../parts/visible'
import { go, link } from '../router'

/** Accepted deliveries that no attempt is left for, and beginning them again. */
export function DeadLetters({ query }: { query: URLSearchParams }) {
  const given = (name: string) => query.get(name) ?? undefined
  const [source, since, until, error] = [given('source'), given('since'), given('until'), given('error')]
  const after = given('after')
  const selected: DeadQuery = { ...(source && { source }), ...isoTime('since', since), ...isoTime('until', until) }
  const page = useLoad(() => getDead({ ...selected, ...(after && { after }) }), [source, since, until, after])
  const events = page.data?.events.filter(({ last_error }) => error === undefined || last_error?.includes(error))

  const filter = (event: Event) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget as HTMLFormElement)
    const field = (name: string) => String(form.get(name)).trim()
    go(link(['dead'], { source: field('source'), since: field('since'), until: field('until'), error: field('error') }))
  }
  const filters = { source, since, until, error }

  return (
    <>
      <div class="page-head">
        <h1>Dead letters</h1>
        <DeadCount source={source} />
        <button type="button" class="small" onClick={page.reload}>
          Refresh
        </button>
      </div>
      <search>
        <form class="filters" key={String(query)} onSubmit={filter}>
          <SourceSelect value={source} all />
          <label class="field">
            <span>Accepted since</span>
            <input type="datetime-local" name="since" defaultValue={since ?? ''} />
          </label>
          <label class="field">
            <span>and before</span>
            <input type="datetime-local" name="until" defaultValue={until ?? ''} />
          </label>
          <label class="field wide">
            <span>Error</span>
            <input name="error" defaultValue={error ?? ''} placeholder="part of the last error" spellcheck={false} />
          </label>
          <button type="submit" class="primary">
            Filter
          </button>
        </form>
      </search>
      {page.error !== undefined ? (
        <Failure error={page.error} retry={page.reload} />
      ) : events === undefined ? (
        <Loading />
      ) : (
        <>
          <RedriveMany
            key={String(query)}
            query={{ ...selected, ...(error !== undefined && { error }) }}
            disabled={events.length === 0 && page.data?.next === null}
            onDone={page.reload}
          />
          {events.length > 0 ? (
            <DeadTable events={events} onChange={page.reload} />
          ) : (
            <Nothing filtered={Object.values(filters).some(Boolean)} more={page.data?.next !== null} />
          )}
        </>
      )}
      <nav class="pager" aria-label="Pages of dead letters">
        {after !== undefined && <a href={link(['dead'], filters)}>Newest</a>}
        {page.data?.next && <a href={link(['dead'], { ...filters, after: page.data.next })}>Older</a>}
      </nav>
    </>
  )
}

function DeadCount({ source }: { source: string | undefined }) {
  const { overview } = useLive()
  const inboxes = Object.entries(overview?.inbox ?? {}).filter(([name]) => source === undefined || name === source)
  if (inboxes.length === 0) return null
  return <p class="muted">{count(inboxes.reduce((sum, [, { dead }]) => sum + dead, 0))} in all</p>
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
  const resend = ({ source, key }: AcceptedEvent) => {
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
              <td class="key">
                <a href={link(['records', event.source, event.key])}>{event.key}</a>
                <span class="muted block">{event.source}</span>
                <span class="error-line block">{visible(event.last_error ?? '')}</span>
              </td>
              <td class="wide-only">
                <Moment at={event.accepted_at} />
              </td>
              <td class="number wide-only">{event.attempts}</td>
              <td class="number">
                <button type="button" class="small" onClick={() => resend(event)}>
                  Resend
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  )
}

/** A field's time is the reader's own; the server is asked for the moment. */
function isoTime<Name extends 'since' | 'until'>(name: Name, local: string | undefined): { [name in Name]?: string } {
  const time = new Date(local ?? Number.NaN)
  return Number.isNaN(time.getTime()) ? {} : ({ [name]: time.toISOString() } as { [name in Name]: string })
}
