import { useEffect } from 'preact/hooks'
import { getFigures, getProcesses } from '../api/client'
import { FIGURE_RANGES, type FigureRange, type Figures, type ServerProcess } from '../api/types'
import { count, duration, moment, percent } from '../format'
import { useLive } from '../live'
import { Badge } from '../parts/badges'
import { Chart } from '../parts/chart'
import { Empty, Loading } from '../parts/empty'
import { Failure } from '../parts/failure'
import { useLoad } from '../parts/load'
import { Moment } from '../parts/moment'
import { SeenDeliveries } from '../parts/seen-deliveries'
import { SourcesHealth } from '../parts/source-health'
import { Tiles } from '../parts/tiles'
import { link } from '../router'
import type { Theme } from '../theme'

/** By the range: the longer ones change slowly, and are long to read. */
const refreshMs = (range: FigureRange) => (range === '5m' || range === '1h' ? 5_000 : 60_000)

/** How all processes on the store do, source by source, over a range of time. */
export function Health({ query, theme }: { query: URLSearchParams; theme: Theme }) {
  const asked = query.get('range') as FigureRange
  const range = FIGURE_RANGES.includes(asked) ? asked : '1h'
  const figures = useLoad(() => getFigures(range), [range])
  const processes = useLoad(getProcesses, [])
  const { overview, deliveries, state } = useLive()
  const reload = () => {
    figures.reload()
    processes.reload()
  }
  useEffect(() => {
    const timer = setInterval(reload, refreshMs(range))
    return () => clearInterval(timer)
  }, [range])
  useEffect(() => (state === 'reconnecting' ? reload : undefined), [state])

  return (
    <>
      <div class="page-head">
        <h1>Health</h1>
        {figures.data !== undefined && (
          <p class="muted">
            of all processes, <Moment at={figures.data.as_of} far={false} />
          </p>
        )}
      </div>
      <nav class="ranges" aria-label="Range of time">
        {FIGURE_RANGES.map(each => (
          <a
            key={each}
            class="range"
            href={link(['health'], { range: each })}
            aria-current={each === range ? 'true' : undefined}
          >
            {each}
          </a>
        ))}
      </nav>
      {state === 'reconnecting' && (
        <p class="stale">
          The server does not answer
          {overview !== undefined && `; these are the figures of ${moment(overview.at, Date.now())}`}. The page comes
          back by itself.
        </p>
      )}
      <Tiles figures={figures.data} overview={overview} />
      {figures.error !== undefined ? (
        <Failure error={figures.error} retry={figures.reload} />
      ) : figures.data === undefined ? (
        <Loading />
      ) : (
        <>
          <Charts figures={figures.data} theme={theme} />
          <SourcesHealth
            figures={figures.data}
            processes={processes.data?.processes ?? []}
            deadOf={source => overview?.inbox[source]?.dead ?? null}
          />
        </>
      )}
      <section>
        <h2>Processes</h2>
        {processes.error !== undefined ? (
          <Failure error={processes.error} retry={processes.reload} />
        ) : (
          processes.data !== undefined && <Processes processes={processes.data.processes} />
        )}
      </section>
      <section>
        <h2>Latest deliveries</h2>
        <p class="muted">As the process that serves this page answers them.</p>
        {deliveries.length === 0 ? (
          <Empty title="None since this page was opened">
            <p>
              Deliveries show up here as they arrive. <a href={link(['test'])}>Send a test delivery</a>
            </p>
          </Empty>
        ) : (
          <SeenDeliveries deliveries={deliveries} caption="Latest deliveries" />
        )}
      </section>
    </>
  )
}

function Charts({ figures, theme }: { figures: Figures; theme: Theme }) {
  const { series, step_ms, from, range } = figures
  const steps = series.count.length
  const times = Array.from({ length: steps }, (_, i) => (Date.parse(from) + i * step_ms) / 1000)
  const common = { times, seconds: ((steps - 1) * step_ms) / 1000, theme }
  const rate = series.hits.map((hits, i) => {
    const all = series.count[i]
    return hits === null || !all ? null : hits / all
  })
  return (
    <div class="charts" key={range}>
      <Chart
        {...common}
        title={`Deliveries in ${duration(step_ms)}`}
        format={count}
        lines={[
          { label: 'all', color: '--chart-1', values: series.count, filled: true },
          { label: 'answered from a record', color: '--chart-2', values: series.hits, filled: true },
        ]}
      />
      <Chart
        {...common}
        title="Shares"
        format={percent}
        lines={[
          { label: 'answered from a record', color: '--chart-2', values: rate },
          { label: 'failing', color: '--chart-3', values: series.failing_share },
        ]}
      />
    </div>
  )
}

function Processes({ processes }: { processes: ServerProcess[] }) {
  return (
    <table>
      <caption class="hidden">Processes</caption>
      <thead>
        <tr>
          <th scope="col">Process</th>
          <th scope="col">Seen</th>
          <th scope="col" class="wide-only">
            Started
          </th>
          <th scope="col" class="number wide-only">
            In flight
          </th>
          <th scope="col" class="number wide-only">
            Event-loop lag
          </th>
        </tr>
      </thead>
      <tbody>
        {processes.map(process => (
          <tr key={process.id} class={process.alive ? undefined : 'alarming'}>
            <td>
              {process.host}, {process.role} {process.pid}{' '}
              {process.alive ? <Badge tone="good" text="alive" /> : <Badge tone="bad" text="silent" />}
              <span class="muted block">
                <code>{process.id}</code> · {process.version}
              </span>
            </td>
            <td>
              <Moment at={process.last_seen_at} />
            </td>
            <td class="wide-only">
              <Moment at={process.started_at} />
            </td>
            <td class="number wide-only">{count(process.in_flight)}</td>
            <td class="number wide-only">{duration(process.event_loop_lag_ms)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
