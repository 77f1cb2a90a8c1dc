import { setTimeout } from 'node:timers/promises'
import { answered } from '../answered.js'
import { type Experiment, isSettled, PATIENCE_MS, type Progress, READ_EVERY_MS, recordOf } from './experiment.js'
import { LiveRun, within } from './live-run.js'

/** So often the event is sent at once. */
export const TIMES = 100

export interface DuplicatesProgress extends Progress {
  sent: number
  /** Not answered yet. */
  waiting: number
  /** Those that are, by outcome. */
  outcomes: Record<string, number>
  /** The same, by status. */
  statuses: Record<string, number>
}

/** Sends one event many times at once. An accepted one is watched until a worker has settled it. */
export function sendDuplicates(experiment: Experiment): LiveRun<DuplicatesProgress> {
  const { key, delivery, receive, configured } = experiment
  const outcomes: Record<string, number> = {}
  const statuses: Record<string, number> = {}
  const initial = { key, sent: TIMES, waiting: TIMES, outcomes, statuses, record: null }
  return new LiveRun<DuplicatesProgress>(initial, async tell => {
    let waiting = TIMES
    const deliver = async () => {
      let outcome = ''
      try {
        const { status } = await answered(async () => {
          const answer = await receive(delivery)
          outcome = answer.outcome
          return answer
        })
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
        statuses[status] = (statuses[status] ?? 0) + 1
      } finally {
        tell({ waiting: --waiting })
      }
    }
    const all = Promise.all(Array.from({ length: TIMES }, deliver))
    while (waiting > 0) {
      await within(READ_EVERY_MS, all)
      tell({ record: await recordOf(experiment) })
    }
    await all
    if (configured.inbox === undefined) return
    const giveUpAt = performance.now() + PATIENCE_MS
    for (let record = await recordOf(experiment); performance.now() < giveUpAt; record = await recordOf(experiment)) {
      tell({ record })
      if (record === null || isSettled(record)) return
      await setTimeout(READ_EVERY_MS / 4)
    }
  })
}
