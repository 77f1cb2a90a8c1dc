import { getSources } from '../api/client'
import type { Source } from '../api/types'
import { count, duration } from '../format'
import { Loading } from '../parts/empty'
import { Failure } from '../parts/failure'
import { useLoad } from '../parts/load'
import { link } from '../router'

/** The configured sources: how they are set, and the ways to what they received. */
export function Sources() {
  const { data, error, reload } = useLoad(getSources, [])
  return (
    <>
      <div class="page-head">
        <h1>Sources</h1>
        <button type="button" class="small" onClick={reload}>
          Refresh
        </button>
      </div>
      {error !== undefined ? (
        <Failure error={error} retry={reload} />
      ) : data === undefined ? (
        <Loading />
      ) : (
        data.map(source => <SourceCard key={source.name} source={source} />)
      )}
    </>
  )
}

function SourceCard({ source }: { source: Source }) {
  const { name, inbox } = source
  return (
    <section class="panel" aria-labelledby={`source-${name}`}>
      <div class="page-head">
        <h2 id={`source-${name}`}>{name}</h2>
        <span class="muted">
          <code>POST {name === 'default' ? '/webhook' : `/hooks/${name}`}</code>
        </span>
      </div>
      <p class="actions">
        <a href={link(['records'], { source: name })}>Records</a>
        <a href={link(['deliveries'], { source: name })}>Deliveries</a>
        {inbox === undefined && <a href={link(['failed'], { source: name })}>Failed</a>}
        <a href={link(['refused'], { source: name })}>Refused</a>
        <a href={link(['test', name])}>Send a test delivery</a>
        {inbox !== undefined && inbox.dead !== null && inbox.dead > 0 && (
          <a href={link(['dead'], { source: name })}>{count(inbox.dead)} dead</a>
        )}
      </p>
      <dl class="facts">
        <Fact name="Sender" value={source.sender?.title ?? 'any'} />
        <Fact name="Deliveries are" value={handled(source)} />
        <Fact name="Mode" value={source.mode} />
        <Fact name="Result kept" value={duration(source.retention_ms)} />
        <Fact name="Lease" value={`${duration(source.lease_ms)}, at most ${duration(source.lock_ttl_ms)}`} />
        <Fact name="Duplicates wait" value={source.wait_ms === 0 ? 'not' : `up to ${duration(source.wait_ms)}`} />
        {source.deadline_ms !== undefined && <Fact name="Sender waits" value={duration(source.deadline_ms)} />}
        {inbox !== undefined && (
          <Fact name="Inbox" value={inbox.pending === null ? 'not known' : `${count(inbox.pending)} pending`} />
        )}
      </dl>
    </section>
  )
}

function handled({ handle, forward_to }: Source): string {
  switch (handle) {
    case 'forward':
      return `forwarded to ${forward_to}`
    case 'acknowledge':
      return 'acknowledged here'
    case 'function':
      return 'answered by the config file'
  }
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  )
}
