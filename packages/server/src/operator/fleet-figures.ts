import type { Breaker, DeliveryOutcome, Journal } from 'hookonce'
import { addCounts, type Counts, deliveriesOf, noCounts } from '../journal/counts.js'
import { entriesOf, type Figures, idOf, type StepCounts, stepCountsIn } from '../journal/figures.js'
import { listProcesses } from '../journal/heartbeat.js'
import type { Rhythms, Silence } from '../journal/rhythm.js'
import { RANGES, type Range, type Step, startOf } from '../journal/steps.js'
import { type FleetBreaker, fleetBreakers } from './fleet-breakers.js'

/** Answered from a record, or from an attempt that ran already. */
const SAVED: readonly DeliveryOutcome[] = ['replayed', 'joined']
/** Neither answered as they should be nor refused for what they are. */
const FAILED: readonly DeliveryOutcome[] = ['failed', 'lost', 'unavailable', 'full']

/** Deliveries in steps of time, oldest first. */
export interface Series {
  count: number[]
  failed: number[]
  saved: number[]
}

export interface Sum {
  counts: Counts
  series: Series
}

/** What all processes did in a range of time. */
export interface FleetFigures {
  step: Step
  /** In ms since the epoch. */
  from: number
  /** Nothing is known of the time before. */
  since: number
  /** Ids of those that counted anything. */
  processes: string[]
  sum: Sum
  sources: Map<string, SourceSum>
}

export interface SourceSum extends Sum {
  breaker: FleetBreaker | undefined
  silence: Silence
}

export interface FleetQuery {
  range: Range
  /** Default: all. */
  source?: string | undefined
  /** In ms since the epoch. */
  now: number
}

export interface FleetContext {
  journal: Journal
  /** Of this process: its present minute is not in the store yet. */
  figures: Figures
  /** Those that are configured; others may have counts of a time when they were. */
  sources: ReadonlyMap<string, unknown>
  /** Of this process, by source. */
  breakers: ReadonlyMap<string, Breaker>
  rhythms: Rhythms
}

/** @throws {StoreError} */
export async function fleetFigures(context: FleetContext, { range, source, now }: FleetQuery): Promise<FleetFigures> {
  const { step, steps } = RANGES[range]
  const from = startOf(step, now) - (steps - 1) * step.ms
  const isAsked = (name: string) => source === undefined || name === source
  const sources = new Map([...context.sources.keys()].filter(isAsked).map(name => [name, noSum(steps)]))
  const processes = new Set<string>()
  let since = context.figures.startedAt
  for await (const { at, process, sources: counted } of stepsOf(context, step, from)) {
    since = Math.min(since, at)
    // Another process' clock may be ahead.
    const i = Math.min(steps - 1, (at - from) / step.ms)
    for (const [name, counts] of counted) {
      if (!isAsked(name)) continue
      processes.add(process)
      const ofSource = sources.get(name) ?? noSum(steps)
      sources.set(name, ofSource)
      addCounts(ofSource.counts, counts)
      ofSource.series.count[i]! += deliveriesOf(counts)
      ofSource.series.failed[i]! += deliveriesOf(counts, FAILED)
      ofSource.series.saved[i]! += savedIn(counts)
    }
  }
  const sum = total([...sources.values()], steps)
  const listed = await listProcesses(context.journal, now)
  const breakerOf = fleetBreakers(listed, { process: context.figures.process, breakers: context.breakers })
  const silenceOf = await context.rhythms.read(now)
  const told = new Map<string, SourceSum>()
  for (const [name, ofSource] of sources) {
    const silence = silenceOf(name)
    // One that is not configured any more has every reason to be silent.
    if (!context.sources.has(name)) silence.level = null
    told.set(name, { ...ofSource, breaker: breakerOf(name), silence })
  }
  return { step, from, since: Math.max(from, since), processes: [...processes], sum, sources: told }
}

/** Of this process what it counted, of others what they wrote. */
async function* stepsOf({ journal, figures }: FleetContext, step: Step, from: number): AsyncGenerator<StepCounts> {
  const own = figures.lastOf(step).filter(({ at }) => at >= from)
  const ownIds = new Set(own.map(({ at, process }) => idOf(at, process)))
  yield* own
  for await (const entry of entriesOf(journal, step.list, from)) {
    if (!ownIds.has(entry.id)) yield stepCountsIn(entry)
  }
}

function noSum(steps: number): Sum {
  const zeros = () => new Array<number>(steps).fill(0)
  return { counts: noCounts(), series: { count: zeros(), failed: zeros(), saved: zeros() } }
}

function total(sums: readonly Sum[], steps: number): Sum {
  const { counts, series } = noSum(steps)
  for (const sum of sums) {
    addCounts(counts, sum.counts)
    for (const name of ['count', 'failed', 'saved'] as const) {
      for (const [i, count] of sum.series[name].entries()) series[name][i]! += count
    }
  }
  return { counts, series }
}

/** How many deliveries ran nothing because another one had, or did. */
export const savedIn = (counts: Counts): number => deliveriesOf(counts, SAVED)
