import type { ComponentChildren } from 'preact'
import type { Overview as Snapshot } from '../api/types'
import { bytes, count, duration, moment, percent } from '../format'
import { CHARTED_SECONDS, type Sample, useLive } from '../live'
import { Chart } from '../parts/chart'
import { Empty, Loading } from '../parts/empty'
import { Moment } from '../parts/moment'
import { SeenDeliveries } from '../parts/seen-deliveries'
import { link } from '../router'
import type { Theme } from '../theme'

/** How it goes now, and how it went in the last minutes. */
export function Overview({ theme }: { theme: Theme }) {
  const { overview, samples, deliveries, state } = useLive()
  return (
    <>
      <div class="page-head">
        <h1>Overview</h1>
        {overview !== undefined && (
          <p class="muted">
            running since <Moment at={overview.since} />
          </p>
        )}
      </div>
      {overview === undefined ? (
        <Waiting reconnecting={state === 'reconnecting'} />
      ) : (
        <>
          {state !== 'live' && (
            <p class="stale">
              The server does not answer; these are the figures of {moment(overview.at, Date.now())}. The page comes
              back by itself.
            </p>
          )}
          <Tiles overview={overview} />
          <Charts samples={samples} theme={theme} />
        </>
      )}
      <section>
        <h2>Latest deliveries</h2>
        {deliveries.length === 0 ? (
          <Empty title="None since this page was opened">
            <p>
              Deliveries show up here as they arrive. <a href={link(['test'])}>Send a test delivery</a>
            </p>
          </Empty>
        ) : (
          <SeenDeliveries deliveries={deliveries} caption="Latest deliveries" sources />
        )}
      </section>
    </>
  )
}

function Waiting({ reconnecting }: { reconnecting: boolean }) {
  if (!reconnecting) return <Loading />
  return <Empty title="The server sends no figures">The page goes on trying. Is the server running?</Empty>
}

function Tiles({ overview }: { overview: Snapshot }) {
  const { window, store, inbox } = overview
  const inboxes = Object.values(inbox)
  const sum = (name: 'pending' | 'dead') => inboxes.reduce((sum, depth) => sum + depth[name], 0)
  const latency = (ms: number | null) => (ms === null ? '–' : duration(ms))
  return (
    <dl class="tiles">
      <Tile name="Deliveries" value={`${count(window.rate)}/s`} note={`over ${duration(window.seconds * 1000)}`} />
      <Tile
        name="Hit rate"
        value={window.hit_rate === null ? '–' : percent(window.hit_rate)}
        note="answered from a record"
      />
      <Tile name="Latency, median" value={latency(window.p50_ms)}>
        95 %: {latency(window.p95_ms)}, 99 %: {latency(window.p99_ms)}
      </Tile>
      <Tile name="In flight" value={count(overview.in_flight)} note={`${count(overview.waiters)} waiting`} />
      <Tile name="Conflicts" value={count(overview.conflicts)} note={`${count(overview.lost_leases)} leases lost`} />
      <Tile name="Inbox" value={count(sum('pending'))}>
        {sum('dead') > 0 ? <a href={link(['dead'])}>{count(sum('dead'))} dead</a> : 'pending'}
      </Tile>
      <Tile name="Store" value={store.state} alarming={store.state !== 'ok'}>
        {store.name}
        {store.records !== undefined && `, ${count(store.records)} records`}
        {store.bytes !== undefined && `, ${bytes(store.bytes)}`}
        {store.errors > 0 && `, ${count(store.errors)} errors`}
      </Tile>
      <Tile
        name="Event-loop lag"
        value={duration(overview.event_loop_lag_ms)}
        note="the longest since the last figure"
      />
    </dl>
  )
}

interface TileProps {
  name: string
  value: string
  note?: string
  alarming?: boolean
  children?: ComponentChildren
}

function Tile({ name, value, note, alarming = false, children }: TileProps) {
  return (
    <div class={alarming ? 'tile alarming' : 'tile'}>
      <dt>{name}</dt>
      <dd>{value}</dd>
      <dd class="muted">{children ?? note}</dd>
    </div>
  )
}

function Charts({ samples, theme }: { samples: Sample[]; theme: Theme }) {
  const common = { times: samples.map(({ at }) => at), seconds: CHARTED_SECONDS, theme }
  const values = (name: keyof Sample) => samples.map(sample => sample[name])
  return (
    <div class="charts">
      <Chart
        {...common}
        title="Deliveries per second"
        format={count}
        lines={[
          { label: 'first', color: '--chart-1', values: values('first'), filled: true },
          { label: 'duplicates', color: '--chart-2', values: values('duplicate'), filled: true },
          { label: 'problems', color: '--chart-3', values: values('problem') },
        ]}
      />
      <Chart
        {...common}
        title="Latency"
        format={duration}
        lines={[
          { label: '50 %', color: '--chart-1', values: values('p50') },
          { label: '95 %', color: '--chart-2', values: values('p95') },
          { label: '99 %', color: '--chart-3', values: values('p99') },
        ]}
      />
      <Chart
        {...common}
        title="Load"
        format={count}
        lines={[
          { label: 'in flight', color: '--chart-1', values: values('inFlight'), filled: true },
          { label: 'waiting', color: '--chart-2', values: values('waiters') },
          { label: 'inbox', color: '--chart-3', values: values('pending') },
        ]}
      />
    </div>
  )
}
