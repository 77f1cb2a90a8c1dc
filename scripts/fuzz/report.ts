import { shotOf } from './plan.js'
import type { Report } from './run/fuzz.js'

export interface Circumstances {
  seed: number
  store: string
  /** How the server ended when it was told to. */
  ended: number | NodeJS.Signals
  /** What it logged. */
  errors: readonly string[]
}

/** What a run came to, and how to see each fault again. */
export function described(report: Report, { seed, store, ended, errors }: Circumstances): string {
  const { faults, sent, verdicts, statuses, ran, seconds, memory } = report
  const { must, may, never } = verdicts
  const answered = [...statuses].sort(([one], [other]) => one - other).map(([status, count]) => `${status}: ${count}`)
  const mib = Object.entries(memory).map(([when, much]) => `${when} ${much.toFixed()} MiB`)
  return [
    `${sent} requests in ${seconds.toFixed(1)} s, ${(sent / seconds).toFixed()} a second; ${ran} contents ran`,
    `of them ${must} had to be taken, ${may} could be, ${never} must not`,
    `answers: ${answered.join(', ')}`,
    `memory of the server: ${mib.join(', ')}; it ended with ${ended}`,
    ...faults.map(({ kind, number, detail }) =>
      number === undefined
        ? `FAULT ${kind}: ${detail}`
        : `FAULT ${kind}: ${detail}\n${again(report, seed, number, store)}`,
    ),
    ...(faults.length > 0 ? errors : []),
    faults.length === 0 ? 'no fault' : `${faults.length} faults`,
  ].join('\n')
}

function again({ sentAt }: Report, seed: number, number: number, store: string): string {
  const { label, bytes } = shotOf(seed, number, sentAt.get(number) ?? Date.now())
  return `  request ${number}: ${label}\n  npm run fuzz -- --seed ${seed} --store ${store} --only ${number}\n  ${bytes.toString('base64')}`
}
