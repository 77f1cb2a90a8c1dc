import { getSources } from '../api/client'
import type { Source } from '../api/types'
import { count, duration } from '../format'
import { Empty, Loading } from '../parts/empty'
import { Failure } from '../parts/failure'
import { useLoad } from '../parts/load'
import { SeenDeliveries } from '../parts/seen-deliveries'
import { link } from '../router'

/** The configured sources, and how their last deliveries went. */
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
  const { name, recent, problems, inbox } = source
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
        <a href={link(['test', name])}>Send a test delivery</a>
        {inbox !== undefined && inbox.dead > 0 && (
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
        {inbox !== undefined && <Fact name="Inbox" value={`${count(inbox.pending)} pending`} />}
      </dl>
      {recent.length === 0 ? (
        <Empty title="No delivery since the server started">
          <p>
            Give its sender the address above, or <a href={link(['test', name])}>send a test delivery</a>.
          </p>
        </Empty>
      ) : (
        <div class="halves">
          <section>
            <h3>Last deliveries</h3>
            <SeenDeliveries deliveries={recent} caption={`Last deliveries to ${name}`} />
          </section>
          {problems.length > 0 && (
            <section>
              <h3>Last problems</h3>
              <SeenDeliveries deliveries={problems} caption={`Last problems of ${name}`} />
            </section>
          )}
        </div>
      )}
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
