import type { DeliveryOutcome, Journal } from 'hookonce'
import { deliveriesOf } from './counts.js'
import { entriesOf, type Figures, stepCountsIn } from './figures.js'
import { STEPS, type Step, startOf } from './steps.js'

const [MINUTES, TENS, HOURS, SIXES] = STEPS

/** What a stranger or a console sends is no sign that the source's sender delivers: as in the alert HookonceSourceSilent. */
const NO_SIGN: readonly DeliveryOutcome[] = ['unauthorized', 'invalid', 'handshake']

/** History changes slowly, and is long to read. */
const HISTORY_MAX_AGE_MS = 5 * 60_000
/** By then all of a minute is written, by whichever process. */
const WRITTEN_WITHIN_MS = 120_000

const DAY_MS = 86_400_000
/** A source that pauses may do so at weekends too: its history must have one. */
const leastHistoryMs = (usualGapMs: number) => (usualGapMs <= HOURS.ms ? 2 : 8) * DAY_MS
/** Of fewer gaps the longest is chance. */
const LEAST_GAPS = 5
/** In usual gaps. */
const LONG = 3
const VERY_LONG = 6

/** How long a source was silent, against its own past. Times in ms since the epoch, as fine as the steps tell. */
export interface Silence {
  /** The end of the last step with a delivery; `null`: none is known. */
  lastDeliveryAt: number | null
  silentMs: number | null
  /** As long as deliveries are apart at most, usually; `null`: there is too little history. */
  usualGapMs: number | null
  /** `null`: not known. */
  level: 'usual' | 'long' | 'very_long' | null
}

interface SourceHistory {
  lastAt: number
  usualGapMs: number | null
}

/** Says how long sources have been silent, from the figures that the journal keeps of all processes. */
export class Rhythms {
  readonly #journal: Journal
  readonly #figures: Figures
  #history: { readAt: number; bySource: Promise<Map<string, SourceHistory>> } | undefined

  constructor({ journal, figures }: { journal: Journal; figures: Figures }) {
    this.#journal = journal
    this.#figures = figures
  }

  /** @throws {StoreError} */
  async read(now: number): Promise<(source: string) => Silence> {
    if (this.#history === undefined || now - this.#history.readAt >= HISTORY_MAX_AGE_MS) {
      const bySource = this.#readHistory()
      this.#history = { readAt: now, bySource }
      bySource.catch(() => {
        this.#history = undefined
      })
    }
    const { readAt, bySource } = this.#history
    const [history, fresh] = await Promise.all([
      bySource,
      activeSteps(this.#journal, MINUTES, startOf(MINUTES, readAt) - WRITTEN_WITHIN_MS),
    ])
    for (const { at, sources } of this.#figures.lastOf(MINUTES)) addActive(fresh, at, sources)
    return source => {
      const { lastAt, usualGapMs = null } = history.get(source) ?? {}
      const lastDeliveryAt = latest([lastAt, endOf(MINUTES, fresh.get(source))])
      return silenceOf(lastDeliveryAt === null ? null : Math.min(now, lastDeliveryAt), usualGapMs, now)
    }
  }

  async #readHistory(): Promise<Map<string, SourceHistory>> {
    const lists: [Step, Map<string, Set<number>>][] = []
    for (const step of STEPS) lists.push([step, await activeSteps(this.#journal, step, 0)])
    const names = new Set(lists.flatMap(([, active]) => [...active.keys()]))
    const startsOf = (name: string) =>
      new Map(lists.map(([step, active]) => [step, [...(active.get(name) ?? [])].sort((a, b) => a - b)]))
    return new Map([...names].map(name => [name, historyOf(startsOf(name))]))
  }
}

/** By source the beginnings of the steps in which any process had a delivery. */
async function activeSteps(journal: Journal, { list }: Step, since: number): Promise<Map<string, Set<number>>> {
  const active = new Map<string, Set<number>>()
  for await (const entry of entriesOf(journal, list, since)) {
    const { at, sources } = stepCountsIn(entry)
    addActive(active, at, sources)
  }
  return active
}

function addActive(
  active: Map<string, Set<number>>,
  at: number,
  sources: ReadonlyMap<string, Parameters<typeof deliveriesOf>[0]>,
): void {
  for (const [name, counts] of sources) {
    if (deliveriesOf(counts) === deliveriesOf(counts, NO_SIGN)) continue
    const starts = active.get(name) ?? new Set()
    active.set(name, starts.add(at))
  }
}

/** @param starts of the steps of each length with a delivery, ascending */
function historyOf(starts: ReadonlyMap<Step, number[]>): SourceHistory {
  const finest = STEPS.find(step => starts.get(step)!.length > 0)!
  const lastAt = endOf(finest, starts.get(finest))!
  const firstAt = Math.min(...[...starts.values()].flatMap(([first]) => first ?? []))
  const usualGapMs = usualGap(starts)
  const isEnough =
    usualGapMs !== undefined && lastAt - firstAt >= Math.max(leastHistoryMs(usualGapMs), LEAST_GAPS * usualGapMs)
  return { lastAt, usualGapMs: isEnough ? usualGapMs : null }
}

/**
 * The longest gap of the last eight days, or the second longest of 31 days if that is longer: what happens every night and every
 * week is usual, and one outage long ago is not.
 */
function usualGap(starts: ReadonlyMap<Step, number[]>): number | undefined {
  let usual: number | undefined
  for (const step of [TENS, HOURS, SIXES]) {
    const all = starts.get(step)!
    const apart = all.slice(1).map((at, i) => at - all[i]!)
    const [longest, second] = apart.sort((a, b) => b - a)
    const gap = usual !== undefined && step === SIXES ? second : longest
    // Of steps that are neighbours the finer ones tell more.
    if (usual === undefined) usual = gap
    else if (gap !== undefined && gap > step.ms) usual = Math.max(usual, gap)
  }
  return usual
}

function silenceOf(lastDeliveryAt: number | null, usualGapMs: number | null, now: number): Silence {
  if (lastDeliveryAt === null) return { lastDeliveryAt, silentMs: null, usualGapMs, level: null }
  const silentMs = now - lastDeliveryAt
  if (usualGapMs === null) return { lastDeliveryAt, silentMs, usualGapMs, level: null }
  const level = silentMs > VERY_LONG * usualGapMs ? 'very_long' : silentMs > LONG * usualGapMs ? 'long' : 'usual'
  return { lastDeliveryAt, silentMs, usualGapMs, level }
}

const endOf = ({ ms }: Step, starts: Iterable<number> = []): number | undefined => {
  const last = latest([...starts])
  return last === null ? undefined : last + ms
}

/** `null`: there is none. */
function latest(times: readonly (number | undefined)[]): number | null {
  const known = times.filter(time => time !== undefined)
  return known.length === 0 ? null : known.reduce((a, b) => Math.max(a, b))
}
