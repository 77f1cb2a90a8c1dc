import type { DeliveryOutcome, Journal } from 'hookonce'
import { countDelivery, noCounts } from '../../src/journal/counts.js'
import { idOf } from '../../src/journal/figures.js'
import { pack } from '../../src/journal/packed.js'
import { STEPS, startOf } from '../../src/journal/steps.js'

export const MINUTE = 60_000
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

/** Times in ms since the epoch. */
export const every = (ms: number, from: number, until: number): number[] =>
  Array.from({ length: Math.floor((until - from) / ms) }, (_, i) => from + i * ms)

/** Writes what a process would have written by `now` of deliveries to a source at these times. */
export async function writePast(
  journal: Journal,
  {
    source,
    times,
    now,
    outcome = 'executed',
  }: { source: string; times: number[]; now: number; outcome?: DeliveryOutcome },
): Promise<void> {
  const counts = noCounts()
  countDelivery(counts, outcome, 1)
  const value = pack({ [source]: counts })
  for (const step of STEPS) {
    const starts = [...new Set(times.map(at => startOf(step, at)))].filter(at => at >= now - step.keepMs)
    const id = (at: number) => idOf(at, `past of ${source}`)
    await journal.write(starts.map(at => ({ list: step.list, id: id(at), at, keepMs: step.keepMs, value })))
  }
}
