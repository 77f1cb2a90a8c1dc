import { useEffect, useState } from 'preact/hooks'
import { ApiError, deleteRecord, getRecord, redriveRecord, replayOne } from '../api/client'
import type { FullRecord } from '../api/types'
import { bytes, count, duration } from '../format'
import { StateBadge, StatusBadge } from '../parts/badges'
import { BodyView } from '../parts/body-view'
import { Confirm } from '../parts/confirm'
import { Empty, Loading } from '../parts/empty'
import { Failure } from '../parts/failure'
import { HeaderList } from '../parts/header-list'
import { History } from '../parts/history'
import { useLoad } from '../parts/load'
import { Moment } from '../parts/moment'
import { notify } from '../parts/notice'
import { visible } from '../parts/visible'
import { go, link } from '../router'

const POLL_MS = 2000

/** One record in full, and what can be done with it. */
export function RecordPage({ source, name }: { source: string; name: string }) {
  const { data: record, error, reload } = useLoad(() => getRecord(source, name), [source, name])
  const moving = record !== undefined && (record.state === 'running' || waits(record))
  const absent = error instanceof ApiError && error.status === 404
  useEffect(() => {
    // The server may come back, or another one answer.
    if (!moving && (error === undefined || absent)) return
    const timer = setTimeout(reload, POLL_MS)
    return () => clearTimeout(timer)
  }, [record, error])

  return (
    <>
      <p class="crumbs">
        <a href={link(['records'])}>Records</a> / <a href={link(['records'], { source })}>{source}</a>
      </p>
      <div class="page-head">
        <h1 class="key">{name}</h1>
        {record !== undefined && <StateBadge record={record} />}
      </div>
      {absent ? (
        <Empty title="Nothing is recorded for this key">
          <p>
            It was deleted, its retention is over, or it belongs to another source.{' '}
            <a href={link(['records'], { key: name })}>Look for it in every source</a>
          </p>
        </Empty>
      ) : error !== undefined ? (
        <Failure error={error} retry={reload} />
      ) : record === undefined ? (
        <Loading />
      ) : (
        <>
          <Actions record={record} onChange={reload} />
          <Facts record={record} />
          <History attempts={record.history} />
          <FailedAnswer record={record} />
          <Contents record={record} />
        </>
      )}
    </>
  )
}

/** What the application said when an attempt failed. */
function FailedAnswer({ record: { failed_answer: answer } }: { record: FullRecord }) {
  if (answer === undefined) return null
  return (
    <section class="panel">
      <h2>
        Attempt {answer.attempt} was answered <StatusBadge status={answer.status} />
      </h2>
      <p class="muted">
        <Moment at={answer.at} />
        {answer.bytes > MOST_KEPT && `; the first ${bytes(MOST_KEPT)} of ${bytes(answer.bytes)}`}
      </p>
      <BodyView body={answer} title="body of the failed answer" />
    </section>
  )
}

/** Bytes of a failed answer that are kept. */
const MOST_KEPT = 2048

/** Whether an inbox makes another attempt later. */
const waits = ({ state, inbox }: FullRecord) => inbox !== undefined && (state === 'pending' || state === 'failed')

function Actions({ record, onChange }: { record: FullRecord; onChange(): void }) {
  const { source, key, state, inbox } = record
  const [asking, setAsking] = useState<'delete' | 'again'>()
  const [error, setError] = useState<unknown>()
  const running = state === 'running'

  const redriven = () => {
    notify('It is due now.')
    onChange()
  }
  const redrive = (options?: { waiting: true }) => {
    setError(undefined)
    redriveRecord(source, key, options).then(redriven, setError)
  }

  const replay = () => {
    setError(undefined)
    replayOne(source, key).then(({ status }) => {
      notify(`It was answered ${status}.`)
      onChange()
    }, setError)
  }

  return (
    <div>
      <div class="actions">
        {inbox !== undefined && state === 'dead' && (
          <button type="button" class="primary" onClick={() => redrive()}>
            Redrive
          </button>
        )}
        {waits(record) && (
          <button type="button" class="primary" onClick={() => redrive({ waiting: true })}>
            Retry now
          </button>
        )}
        {inbox !== undefined && state === 'completed' && (
          <button type="button" onClick={() => setAsking('again')}>
            Redrive…
          </button>
        )}
        {inbox === undefined && state === 'failed' && (
          <button type="button" class="primary" onClick={replay}>
            Replay
          </button>
        )}
        <button type="button" class="danger" onClick={() => setAsking('delete')}>
          Delete…
        </button>
        <button type="button" onClick={onChange}>
          Refresh
        </button>
      </div>
      {error !== undefined && <Failure error={error} />}
      {asking === 'delete' && (
        <Confirm
          title={running ? 'Delete while it runs?' : 'Delete this record?'}
          action={running ? 'Delete by force' : 'Delete'}
          danger
          onConfirm={async () => {
            await deleteRecord(source, key, running)
            notify('The record is deleted.')
            go(link(['records'], { source }))
          }}
          onClose={() => setAsking(undefined)}
        >
          <p>The next delivery with this key is a first one: its handler runs again.</p>
          {running && (
            <p>
              <strong>An attempt holds this key now.</strong> Its result will be refused, and a delivery that arrives
              meanwhile may run beside it.
            </p>
          )}
        </Confirm>
      )}
      {asking === 'again' && (
        <Confirm
          title="Redrive what is completed?"
          action="Redrive"
          onConfirm={async () => {
            await redriveRecord(source, key, { completed: true })
            redriven()
          }}
          onClose={() => setAsking(undefined)}
        >
          <p>The handler runs again for a delivery that it has completed. Its effects may happen twice.</p>
        </Confirm>
      )}
    </div>
  )
}

function Facts({ record }: { record: FullRecord }) {
  const { inbox, duplicates } = record
  return (
    <>
      <LastError record={record} />
      <dl class="facts">
        {record.label !== null && (
          <Fact name="Label">
            <a href={link(['records'], { key: record.label })}>{record.label}</a>
          </Fact>
        )}
        <Fact name="Attempts">
          {count(record.attempts)}
          {record.losses > 0 && `, ${count(record.losses)} of them lost`}
        </Fact>
        <Fact name="Duplicates">
          {duplicates?.at_least && 'at least '}
          {duplicates === undefined ? '–' : count(duplicates.count)}
        </Fact>
        <Time name="First duplicate" at={duplicates?.first_at ?? null} />
        <Time name="Last duplicate" at={duplicates?.last_at ?? null} />
        <Time name="Created" at={record.created_at} />
        <Time name="Last attempt" at={record.claimed_at} />
        <Time name={record.state === 'completed' ? 'Completed' : 'Settled'} at={record.settled_at} />
        {record.state === 'running' && (
          <Fact name="Lease left">{duration(Math.max(0, record.lease_remaining_ms))}</Fact>
        )}
        <Time name="Forgotten" at={record.expires_at} />
        {inbox !== undefined && <Time name="Next attempt" at={inbox.due_at} />}
        {inbox !== undefined && <Fact name="Round">{inbox.round}</Fact>}
        {inbox !== undefined && inbox.group !== null && <Fact name="Group">{visible(inbox.group)}</Fact>}
        <Fact name="Fencing token">
          <code>{record.fencing_token}</code>
        </Fact>
        {record.fingerprint !== null && (
          <Fact name="Fingerprint">
            <code>{record.fingerprint}</code>
          </Fact>
        )}
      </dl>
    </>
  )
}

/** Red while it stands. An earlier attempt's is a fact among others. */
function LastError({ record: { state, last_error } }: { record: FullRecord }) {
  if (last_error === null) return null
  if (state === 'failed' || state === 'dead') {
    return (
      <div class="failure">
        <p>
          <strong>Last error.</strong> {visible(last_error)}
        </p>
      </div>
    )
  }
  return <p class="muted">An earlier attempt failed: {visible(last_error)}</p>
}

function Fact({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

function Time({ name, at }: { name: string; at: string | null }) {
  if (at === null) return null
  return (
    <Fact name={name}>
      <Moment at={at} />
    </Fact>
  )
}

function Contents({ record: { response, delivery } }: { record: FullRecord }) {
  return (
    <div class="halves">
      {delivery !== undefined && (
        <section class="panel">
          <h2>
            Delivery <code>{delivery.method}</code> <code>{delivery.url}</code>
          </h2>
          <HeaderList headers={delivery.headers} />
          <BodyView body={delivery} title="body of the delivery" />
        </section>
      )}
      {response !== undefined && (
        <section class="panel">
          <h2>
            Recorded response <StatusBadge status={response.status} />
          </h2>
          <HeaderList headers={response.headers} />
          <BodyView body={response} title="body of the response" omitted={response.body_omitted} />
        </section>
      )}
    </div>
  )
}
