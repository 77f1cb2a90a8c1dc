import type { Figures, ServerProcess, SourceFigures } from '../api/types'
import { ALARMING_FAILURES, failingIn, refusedIn, shareText } from '../figure-sums'
import { count, duration } from '../format'
import { link } from '../router'
import { Badge } from './badges'
import { Moment } from './moment'
import { Sparkline } from './sparkline'
import { latencyText } from './tiles'

interface SourcesHealthProps {
  figures: Figures
  processes: ServerProcess[]
  /** Of its inbox; `null`: not known, or it has none. */
  deadOf(source: string): number | null
}

/** A row a source: red where something is to be done, amber where it may be. */
export function SourcesHealth({ figures, processes, deadOf }: SourcesHealthProps) {
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
            Last delivery
          </th>
          <th scope="col" class="wide-only">
            Last success
          </th>
        </tr>
      </thead>
      <tbody>
        {Object.entries(figures.sources).map(([name, sum]) => {
          const { deliveries, saved, p95_ms, series } = sum
          const failing = failingIn(sum)
          const dead = deadOf(name) ?? 0
          return (
            <tr key={name} class={toneOf(sum, dead)}>
              <td class="source">
                <a class="key" href={link(['records'], { source: name })}>
                  {name}
                </a>
                {dead > 0 && (
                  <a class="block" href={link(['dead'], { source: name })}>
                    {count(dead)} dead
                  </a>
                )}
                <BreakerLine breaker={sum.breaker} processes={processes} />
                <SilenceLine silence={sum.silence} />
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
                <a href={link(['refused'], { source: name })}>{count(refusedIn(sum))}</a>
              </td>
              <td class="number wide-only">{count(saved)}</td>
              <td class="number wide-only">{latencyText(p95_ms)}</td>
              <td class="moment wide-only">
                <LastDelivery silence={sum.silence} />
              </td>
              <td class="moment wide-only">
                <LastSuccess figures={figures} sum={sum} />
              </td>
            </tr>
          )
        })}
      </tbody>
    </table>
  )
}

function toneOf(sum: SourceFigures, dead: number): string | undefined {
  const { deliveries, breaker, silence } = sum
  const fails = deliveries > 0 && failingIn(sum) / deliveries >= ALARMING_FAILURES
  if (fails || dead > 0 || breaker?.state === 'open' || silence.level === 'very_long') return 'alarming'
  return breaker?.state === 'half_open' || silence.level === 'long' ? 'unusual' : undefined
}

const FEW_PROCESSES = 3

function BreakerLine({ breaker, processes }: { breaker: SourceFigures['breaker']; processes: ServerProcess[] }) {
  if (breaker === undefined) return null
  if (breaker.state === 'closed') return <span class="muted note wide-only">circuit closed</span>
  if (breaker.state === null) return <span class="muted note">circuit: not known</span>
  const names = breaker.processes.slice(0, FEW_PROCESSES).map(id => {
    const process = processes.find(process => process.id === id)
    return process === undefined ? id : `${process.role} ${process.pid} on ${process.host}`
  })
  const more = breaker.processes.length - names.length
  return (
    <span class="note">
      <Badge tone={breaker.state === 'open' ? 'bad' : 'warn'} text={`circuit ${breaker.state.replace('_', '-')}`} />{' '}
      {breaker.since !== null && (
        <>
          since <Moment at={breaker.since} far={false} />
        </>
      )}{' '}
      in {names.join(', ')}
      {more > 0 && ` and ${count(more)} more`}
    </span>
  )
}

/** Where it is out of the ordinary. */
function SilenceLine({ silence: { silent_ms, usual_gap_ms, level } }: { silence: SourceFigures['silence'] }) {
  if (level !== 'long' && level !== 'very_long') return null
  return (
    <span class="note">
      <Badge tone={level === 'long' ? 'warn' : 'bad'} text={`silent for ${duration(silent_ms!)}`} />; usually at most{' '}
      {duration(usual_gap_ms!)} between deliveries
    </span>
  )
}

function LastDelivery({ silence: { last_delivery_at, usual_gap_ms, level } }: { silence: SourceFigures['silence'] }) {
  if (last_delivery_at === null) return <span class="muted">none known</span>
  return (
    <>
      <Moment at={last_delivery_at} />
      {usual_gap_ms === null && <span class="muted note">rhythm not known yet</span>}
      {level === 'usual' && <span class="muted note">usually at most {duration(usual_gap_ms!)} apart</span>}
    </>
  )
}

/** As far as the steps tell it. */
function LastSuccess({ figures, sum }: { figures: Figures; sum: SourceFigures }) {
  const { count: counts, failing_share } = sum.series
  const last = counts.findLastIndex((value, i) => value !== null && value > 0 && failing_share[i] !== 1)
  if (last === -1) return <span class="muted">none in this range</span>
  const end = Math.min(Date.parse(figures.as_of), Date.parse(figures.from) + (last + 1) * figures.step_ms)
  return <Moment at={new Date(end).toISOString()} />
}
