import type { DuplicatesProgress } from '../../api/lab-types'
import { count } from '../../format'
import { History } from '../history'
import { Tile } from '../tiles'
import { Watched } from './watched'

/** What became of an event that was sent many times at once. */
export function Duplicates({ source, progress }: { source: string; progress: DuplicatesProgress }) {
  const { sent, waiting, outcomes, statuses, record } = progress
  const of = (outcome: string) => outcomes[outcome] ?? 0
  const told = of('executed') + of('joined') + of('replayed') + of('accepted') + of('in_progress')
  const others = sent - waiting - told
  const listed = Object.entries(statuses).map(([status, number]) => `${count(number)} × ${status}`)
  return (
    <Watched source={source} progress={progress}>
      <p>
        <progress aria-label="Answered" max={sent} value={sent - waiting} /> {count(sent - waiting)} of {count(sent)}{' '}
        answered{listed.length > 0 && `: ${listed.join(', ')}`}.
      </p>
      <dl class="tiles">
        {of('accepted') > 0 ? (
          <Tile name="Accepted" value={count(of('accepted'))}>
            as a new event
          </Tile>
        ) : (
          <Tile name="Ran" value={count(of('executed'))}>
            called the handler
          </Tile>
        )}
        <Tile name="Waiting" value={count(waiting)}>
          not answered yet
        </Tile>
        <Tile name="Waited" value={count(of('joined'))}>
          and got the same answer
        </Tile>
        <Tile name="Replayed" value={count(of('replayed'))}>
          answered from the record
        </Tile>
        <Tile name="Refused for now" value={count(of('in_progress'))}>
          409: it runs, come back
        </Tile>
        {others > 0 && (
          <Tile name="Others" value={count(others)} alarming>
            see the statuses
          </Tile>
        )}
      </dl>
      {record !== null && <History attempts={record.history} />}
    </Watched>
  )
}
