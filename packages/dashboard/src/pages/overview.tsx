import { count, duration, moment } from '../format'
import { CHARTED_SECONDS, type Sample, useLive } from '../live'
import { Chart } from '../parts/chart'
import { Empty, Loading } from '../parts/empty'
import { Moment } from '../parts/moment'
import { SeenDeliveries } from '../parts/seen-deliveries'
import { Tiles } from '../parts/tiles'
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
