import {
  type AttemptEndKind,
  type Clock,
  type DeliveryOutcome,
  type Journal,
  type JournalEntry,
  systemClock,
} from 'hookonce'
import { addCounts, type Counts, countAttempt, countDelivery, noCounts } from './counts.js'
import { pack, unpack } from './packed.js'
import { STEPS, type Step, startOf } from './steps.js'
import type { JournalWriter } from './writer.js'

/** Far more than there are, unless clocks or restarts run wild. */
const MOST_ENTRIES = 100_000
/** The most that a journal reads at once. */
const PAGE = 1_000

/** What a process did in a step, by source. */
export interface StepCounts {
  /** The beginning of the step, in ms since the epoch. */
  at: number
  process: string
  sources: Map<string, Counts>
}

export const idOf = (at: number, process: string): string => `${at}.${process}`

/** What {@link Figures} wrote. */
export function stepCountsIn({ id, at, value }: { id: string; at: number; value: Uint8Array }): StepCounts {
  const { facts } = unpack<Record<string, Counts>>(value)
  return { at, process: id.slice(id.indexOf('.') + 1), sources: new Map(Object.entries(facts)) }
}

/** All of a list, newest first. @throws {StoreError} */
export async function* entriesOf(journal: Journal, list: string, since: number): AsyncGenerator<JournalEntry> {
  let page: JournalEntry[] = []
  do {
    const after = page.at(-1)
    page = await journal.read(list, { since, limit: PAGE, ...(after && { after }) })
    yield* page
  } while (page.length === PAGE)
}

/**
 * Counts what this process does, and writes it to the journal when a minute is over: the minute and the longer steps that it
 * belongs to, as far as they have come. A minute in which nothing happened writes nothing.
 */
export class Figures {
  readonly process: string
  readonly startedAt: number
  readonly #writer: JournalWriter
  readonly #clock: Clock
  #minuteAt = Number.NEGATIVE_INFINITY
  #minute = new Map<string, Counts>()
  /** The last one of each length, without the present minute. */
  readonly #steps = STEPS.map(step => ({ step, at: 0, sources: new Map<string, Counts>() }))
  #cancel = () => {}

  /** @param process its id: no other has it */
  constructor(process: string, writer: JournalWriter, clock: Clock = systemClock) {
    this.process = process
    this.startedAt = clock.now()
    this.#writer = writer
    this.#clock = clock
  }

  /** `ms`: the duration; `undefined`: refused without the receiver. `at`: now, in ms since the epoch. */
  answered(source: string, outcome: DeliveryOutcome, ms: number | undefined, at: number): void {
    countDelivery(this.#countsOf(source, at), outcome, ms)
  }

  attemptEnded(source: string, end: AttemptEndKind, at: number): void {
    countAttempt(this.#countsOf(source, at), end)
  }

  /** Adds the present minute to what is written. */
  closeMinute(): void {
    this.#cancel()
    if (this.#minute.size > 0) this.#write()
    this.#minute = new Map()
    this.#minuteAt = Number.NEGATIVE_INFINITY
  }

  /** Writes the present minute as far as it has come, so that other processes can show it. */
  shareMinute(): void {
    if (this.#minute.size === 0) return
    const [written] = this.#steps
    const sources = new Map<string, Counts>()
    for (const part of [this.#minute, ...(written!.at === this.#minuteAt ? [written!.sources] : [])]) {
      for (const [source, counts] of part) addCounts(countsIn(sources, source), counts)
    }
    this.#add(written!.step, this.#minuteAt, sources)
  }

  /** The last steps of a length, which may be written in part; two may be of one time. */
  lastOf(step: Step): StepCounts[] {
    const { process } = this
    const { at, sources } = this.#steps.find(last => last.step === step)!
    const last = { at, process, sources }
    return this.#minute.size === 0
      ? [last]
      : [last, { at: startOf(step, this.#minuteAt), process, sources: this.#minute }]
  }

  #countsOf(source: string, at: number): Counts {
    if (at >= this.#minuteAt + STEPS[0].ms) this.#openMinute(at)
    return countsIn(this.#minute, source)
  }

  #openMinute(at: number): void {
    this.closeMinute()
    // A clock that steps back does not open again what was left, and written, before.
    this.#minuteAt = Math.max(startOf(STEPS[0], at), this.#steps[0]!.at)
    this.#cancel = this.#clock.after(this.#minuteAt + STEPS[0].ms - at, () => this.closeMinute())
  }

  #write(): void {
    for (const last of this.#steps) {
      const { step } = last
      const at = startOf(step, this.#minuteAt)
      if (last.at !== at) Object.assign(last, { at, sources: new Map() })
      for (const [source, counts] of this.#minute) addCounts(countsIn(last.sources, source), counts)
      this.#add(step, at, last.sources)
    }
  }

  #add({ list, keepMs }: Step, at: number, sources: ReadonlyMap<string, Counts>): void {
    const value = pack(Object.fromEntries(sources))
    this.#writer.add({ list, id: idOf(at, this.process), at, keepMs, value }, MOST_ENTRIES)
  }
}

function countsIn(sources: Map<string, Counts>, source: string): Counts {
  let counts = sources.get(source)
  if (counts === undefined) {
    counts = noCounts()
    sources.set(source, counts)
  }
  return counts
}
