import { useEffect } from 'preact/hooks'
import { getFigures, getProcesses } from '../api/client'
import { FIGURE_RANGES, type FigureRange, type FigureSum, type Figures, type ServerProcess } from '../api/types'
import { count, duration, percent } from '../format'
import { useLive } from '../live'
import { Badge } from '../parts/badges'
import { Chart } from '../parts/chart'
import { Loading } from '../parts/empty'
import { Failure } from '../parts/failure'
import { useLoad } from '../parts/load'
import { Moment } from '../parts/moment'
import { Sparkline } from '../parts/sparkline'
import { link } from '../router'
import type { Theme } from '../theme'

const REFRESH_MS = 15_000
/** Of the deliveries of a source; from this share on its row is red. */
const ALARMING = 0.1

/** How all processes on the store do, source by source, over a range of time. */
export function Health({ query, theme }: { query: URLSearchParams; theme: Theme }) {
  const asked = query.get('range') as FigureRange
  const range = FIGURE_RANGES.includes(asked) ? asked : '1h'
  const figures = useLoad(() => getFigures(range), [range])
  const processes = useLoad(getProcesses, [])
  useEffect(() => {
    const timer = setInterval(() => {
      figures.reload()
      processes.reload()
    }, REFRESH_MS)
    return () => clearInterval(timer)
  }, [range])

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
      {figures.error !== undefined ? (
        <Failure error={figures.error} retry={figures.reload} />
      ) : figures.data === undefined ? (
        <Loading />
      ) : (
        <>
          <Totals figures={figures.data} />
          <Charts figures={figures.data} theme={theme} />
          <Sources figures={figures.data} />
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
    </>
  )
}

const FAILING = ['failed', 'lost', 'unavailable', 'full']
const REFUSED = ['unauthorized', 'invalid', 'mismatch']

const sumOf = ({ outcomes }: FigureSum, names: string[]) => names.reduce((sum, name) => sum + (outcomes[name] ?? 0), 0)

const shareText = (part: number, whole: number) => (whole === 0 ? '–' : percent(part / whole))

const latencyText = (ms: number | null) => (ms === null ? '–' : duration(ms))

function Totals({ figures }: { figures: Figures }) {
  const { deliveries, saved, attempts, p50_ms, p95_ms, p99_ms } = figures
  const failing = sumOf(figures, FAILING)
  const lost = attempts.lost ?? 0
  const processed = saved + sumOf(figures, ['executed', 'accepted'])
  const tiles: [name: string, value: string, note: string, alarming?: boolean][] = [
    ['Deliveries', count(deliveries), `since ${new Date(figures.since).toLocaleString('en-GB')}`],
    [
      'Failing',
      shareText(failing, deliveries),
      `${count(failing)} deliveries`,
      deliveries > 0 && failing / deliveries >= ALARMING,
    ],
    ['Saved', count(saved), 'duplicates that did not run'],
    ['Hit rate', shareText(saved, processed), 'answered from a record'],
    ['Refused', count(sumOf(figures, REFUSED)), 'signature, key or payload'],
    ['Attempts lost', count(lost), 'a crash, or longer than the lease'],
    ['Latency, median', latencyText(p50_ms), `95 %: ${latencyText(p95_ms)}, 99 %: ${latencyText(p99_ms)}`],
  ]
  return (
    <dl class="tiles">
      {tiles.map(([name, value, note, alarming = false]) => (
        <div key={name} class={alarming ? 'tile alarming' : 'tile'}>
          <dt>{name}</dt>
          <dd>{value}</dd>
          <dd class="muted">{note}</dd>
        </div>
      ))}
    </dl>
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

function Sources({ figures }: { figures: Figures }) {
  const { overview } = useLive()
  return (
    <table>
      <caption class="hidden">Sources</caption>
      <thead>
        <tr>
          <th scope="col">Source</th>
          <th scope="col">Deliveries</th>
          <th scope="col" class="number">
            Failing
          </th>
          <th scope="col" class="number wide-only">
            Refused
          </th>
          <th scope="col" class="number wide-only">
            Saved
          </th>
          <th scope="col" class="number wide-only">
            95 %
          </th>
          <th scope="col" class="wide-only">
            Last success
          </th>
        </tr>
      </thead>
      <tbody>
        {Object.entries(figures.sources).map(([name, sum]) => {
          const { deliveries, saved, p95_ms, series } = sum
          const failing = sumOf(sum, FAILING)
          const dead = overview?.inbox[name]?.dead ?? 0
          const isAlarming = (deliveries > 0 && failing / deliveries >= ALARMING) || dead > 0
          return (
            <tr key={name} class={isAlarming ? 'alarming' : undefined}>
              <td class="key">
                <a href={link(['records'], { source: name })}>{name}</a>
                {dead > 0 && (
                  <a class="block" href={link(['dead'], { source: name })}>
                    {count(dead)} dead
                  </a>
                )}
              </td>
              <td>
                {count(deliveries)}{' '}
                <Sparkline
                  counts={series.count}
                  failing={series.failing_share}
                  title={`deliveries of ${name} over time`}
                />
              </td>
              <td class="number">
                {failing > 0 ? (
                  <a href={link(['failed'], { source: name })}>{shareText(failing, deliveries)}</a>
                ) : (
                  shareText(failing, deliveries)
                )}
              </td>
              <td class="number wide-only">
                <a href={link(['refused'], { source: name })}>{count(sumOf(sum, REFUSED))}</a>
              </td>
              <td class="number wide-only">{count(saved)}</td>
              <td class="number wide-only">{latencyText(p95_ms)}</td>
              <td class="wide-only">
                <LastSuccess figures={figures} sum={sum} />
              </td>
            </tr>
          )
        })}
      </tbody>
    </table>
  )
}

/** As far as the steps tell it. */
function LastSuccess({ figures, sum }: { figures: Figures; sum: FigureSum }) {
  const { count: counts, failing_share } = sum.series
  const last = counts.findLastIndex((value, i) => value !== null && value > 0 && failing_share[i] !== 1)
  if (last === -1) return <span class="muted">none in this range</span>
  const end = Math.min(Date.parse(figures.as_of), Date.parse(figures.from) + (last + 1) * figures.step_ms)
  return <Moment at={new Date(end).toISOString()} />
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
