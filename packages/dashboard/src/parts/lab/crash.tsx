import type { CrashProgress } from '../../api/lab-types'
import { duration } from '../../format'
import { StatusBadge } from '../badges'
import { History } from '../history'
import { Watched } from './watched'

/** An attempt that died, and how the event was processed all the same. */
export function Crash({ source, progress }: { source: string; progress: CrashProgress }) {
  const { lease_ms, answers, waiting, record } = progress
  const left = record?.history.length === 1 ? record.lease_remaining_ms : 0
  const last = record?.history.at(-1)
  return (
    <Watched source={source} progress={progress}>
      <ol class="steps">
        <li>
          A process claimed the key for {duration(lease_ms)} and died without a word. That was simulated: a lease was
          taken that nobody renews; no process was killed, and the application was not called.
        </li>
        <li>{left > 0 ? `The key is held for ${duration(left)} more.` : 'The lease is over: the key is free.'}</li>
        {answers.map(({ status, ms, retry_after }, i) => (
          <li key={i}>
            Delivery {i + 1} was answered <StatusBadge status={status} /> after {duration(ms)}
            {retry_after === null ? '.' : `, to come back in ${retry_after} s.`}
          </li>
        ))}
        {waiting && <li>Delivery {answers.length + 1} waits for the result.</li>}
        {last !== undefined && last.number > 1 && (
          <li>
            Attempt {last.number} took the key over
            {last.outcome === 'recorded' ? ', ran, and its result is recorded.' : '.'}
          </li>
        )}
      </ol>
      {record !== null && <History attempts={record.history} />}
    </Watched>
  )
}
