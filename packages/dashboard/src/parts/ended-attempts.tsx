import type { EndedAttempt } from '../api/types'
import { duration } from '../format'
import { link } from '../router'
import { Badge } from './badges'
import { Moment } from './moment'

const FEW = 8

const cameToNothing = ({ end }: EndedAttempt) => end !== 'recorded'

/** Whether attempts come to a result: that deliveries are accepted does not say so. */
export function AttemptsBadge({ attempts }: { attempts: EndedAttempt[] }) {
  const failed = attempts.filter(cameToNothing).length
  if (failed === 0) return null
  const tone = failed === attempts.length ? 'bad' : 'warn'
  return <Badge tone={tone} text={`${failed} of the last ${attempts.length} attempts failed`} />
}

/** Attempts of a source in this process, newest first. */
export function EndedAttempts({ source, attempts }: { source: string; attempts: EndedAttempt[] }) {
  if (attempts.length === 0) return <p class="muted">None ended in this process.</p>
  return (
    <table>
      <caption class="hidden">Last attempts of {source}</caption>
      <thead>
        <tr>
          <th scope="col">Time</th>
          <th scope="col">Key</th>
          <th scope="col">Attempt</th>
          <th scope="col" class="number">
            Took
          </th>
        </tr>
      </thead>
      <tbody>
        {attempts.slice(0, FEW).map((ended, i) => (
          <tr key={i}>
            <td>
              <Moment at={ended.at} far={false} />
            </td>
            <td class="key">{ended.key !== null && <a href={link(['records', source, ended.key])}>{ended.key}</a>}</td>
            <td>
              {ended.attempt}{' '}
              <Badge tone={cameToNothing(ended) ? 'bad' : 'good'} text={ended.end.replaceAll('_', ' ')} />
            </td>
            <td class="number">{duration(ended.ms)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
