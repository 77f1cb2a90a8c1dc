import type { RecordedAttempt } from '../api/types'
import { count, duration } from '../format'
import { Badge } from './badges'
import { Moment } from './moment'
import { useNow } from './now'

/** What became of each attempt, and when it ran: bars on one axis of time, from the first attempt on. */
export function History({ attempts }: { attempts: RecordedAttempt[] }) {
  const now = useNow()
  const [first] = attempts
  if (first === undefined) return null
  const beganAt = Date.parse(first.began_at)
  const endOf = ({ began_at, took_ms }: RecordedAttempt) => {
    const began = Date.parse(began_at)
    return took_ms === null ? Math.max(began, now) : began + took_ms
  }
  const span = Math.max(1, ...attempts.map(attempt => endOf(attempt) - beganAt))
  const share = (ms: number) => `${(100 * ms) / span}`
  return (
    <section class="panel">
      <h2>Attempts</h2>
      <p>{summary(attempts)}</p>
      <table>
        <caption class="hidden">Attempts</caption>
        <thead>
          <tr>
            <th scope="col">Attempt</th>
            <th scope="col">Began</th>
            <th scope="col" class="wide-only">
              <span class="hidden">When it ran</span>
            </th>
            <th scope="col" class="number">
              Took
            </th>
            <th scope="col" class="wide-only">
              Process
            </th>
          </tr>
        </thead>
        <tbody>
          {attempts.map(attempt => {
            const took = endOf(attempt) - Date.parse(attempt.began_at)
            return (
              <tr key={attempt.number}>
                <td>
                  {attempt.number} <OutcomeOfAttempt outcome={attempt.outcome} />
                </td>
                <td>
                  <Moment at={attempt.began_at} far={false} />
                </td>
                <td class="wide-only">
                  <svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
                    <rect x={share(Date.parse(attempt.began_at) - beganAt)} width={share(took)} height="8" />
                  </svg>
                </td>
                <td class="number">{attempt.took_ms === null ? 'runs' : duration(attempt.took_ms)}</td>
                <td class="wide-only">
                  <code>{attempt.process}</code>
                </td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </section>
  )
}

/** `3 attempts in 2 processes, 1 lost, 1 result`. */
function summary(attempts: RecordedAttempt[]): string {
  const processes = new Set(attempts.map(({ process }) => process)).size
  const of = (outcome: string) => attempts.filter(attempt => attempt.outcome === outcome).length
  const many = (number: number, one: string, more: string) => `${count(number)} ${number === 1 ? one : more}`
  const parts = [`${many(attempts.length, 'attempt', 'attempts')} in ${many(processes, 'process', 'processes')}`]
  if (of('lost') > 0) parts.push(`${count(of('lost'))} lost`)
  parts.push(many(of('recorded'), 'result', 'results'))
  return `${parts.join(', ')}.`
}

const WORDS: Record<string, string> = { lost: 'lost: no word', timeout: 'timed out' }

function OutcomeOfAttempt({ outcome }: Pick<RecordedAttempt, 'outcome'>) {
  if (outcome === 'recorded') return <Badge tone="good" text="recorded" />
  if (outcome === 'running') return <Badge tone="busy" text="running" />
  if (outcome === 'not_begun') return <Badge tone="plain" text="not begun" />
  return <Badge tone="bad" text={typeof outcome === 'number' ? `status ${outcome}` : (WORDS[outcome] ?? outcome)} />
}
