import { hostname } from 'node:os'
import { type Breaker, type BreakerState, type Clock, type Journal, systemClock } from 'hookonce'
import { version } from '../config/version.js'
import { EventLoopDelay } from '../observability/event-loop-delay.js'
import type { Figures } from './figures.js'
import { pack, unpack } from './packed.js'
import type { JournalWriter } from './writer.js'

const LIST = 'processes'
const INTERVAL_MS = 15_000
/** A breaker that opens or closes is told as soon. */
const CHECK_MS = 1_000
const KEEP_MS = 600_000
/** A process that was not seen for so long, two beats and some, is gone or hangs. */
const ALIVE_MS = 45_000
/** Of the event loop's delay. */
const RESOLUTION_MS = 50
const MOST_PROCESSES = 1_000
const MOST_BREAKERS = 100

type Role = 'server' | 'worker'

/** A circuit breaker that is not closed. */
export interface TrippedBreaker {
  source: string
  state: Exclude<BreakerState['state'], 'closed'>
  /** Ms since the epoch. */
  since: number
}

/** What a process says of itself. */
interface Facts {
  host: string
  pid: number
  version: string
  role: Role
  /** Ms since the epoch. */
  startedAt: number
  /** `null`: it does not listen. */
  url: string | null
  /** Since the beat before. */
  eventLoopLagMs: number
  /** Deliveries that it is about to answer. */
  inFlight: number
  /** Attempts that run. */
  running: number
  /** At most {@link MOST_BREAKERS}. Not told by releases without it. */
  trippedBreakers?: TrippedBreaker[]
  /** Entries of the journal that it could not write since its start. Not told by releases without it. */
  lostEntries?: number
}

export interface ListedProcess extends Facts {
  id: string
  /** Ms since the epoch, by the store's clock. */
  lastSeenAt: number
  alive: boolean
}

export interface HeartbeatContext {
  /** They name the process. */
  figures: Figures
  role: Role
  /** Where it listens. */
  urls: readonly string[]
  inFlight: () => number
  /** The number of running attempts, by scope. */
  running: () => ReadonlyMap<string, number>
  /** By source. */
  breakers: ReadonlyMap<string, Breaker>
  journal: Journal
  journalWriter: JournalWriter
  clock?: Clock
}

/** Says from its construction on that this process lives, and what it has counted in the present minute. */
export class Heartbeat {
  readonly #context: HeartbeatContext
  readonly #clock: Clock
  readonly #facts
  readonly #delay = new EventLoopDelay(RESOLUTION_MS)
  /** The sources whose breakers the last beat told. */
  #told = ''
  #cancel = () => {}

  constructor(context: HeartbeatContext) {
    const { figures, role, urls, clock = systemClock } = context
    const { startedAt } = figures
    this.#context = context
    this.#clock = clock
    this.#facts = { host: hostname(), pid: process.pid, version: version(), role, startedAt, url: urls[0] ?? null }
    this.#beat()
  }

  /** Takes the process off the list, when all that was to be written before is. Never rejects. */
  async stop(): Promise<void> {
    this.#cancel()
    const { figures, journal, journalWriter } = this.#context
    await journalWriter.flushed()
    await journal.remove(LIST, figures.process).catch(() => {})
  }

  #beat(): void {
    const { figures, inFlight, running, breakers, journalWriter } = this.#context
    const id = figures.process
    const facts = {
      ...this.#facts,
      eventLoopLagMs: this.#delay.longest(),
      inFlight: inFlight(),
      running: [...running().values()].reduce((sum, count) => sum + count, 0),
      trippedBreakers: trippedIn(breakers),
      lostEntries: journalWriter.lost,
    }
    this.#told = sourcesOf(facts.trippedBreakers)
    // At the store's time: clocks of machines differ.
    journalWriter.add({ list: LIST, id, keepMs: KEEP_MS, value: pack(facts) }, MOST_PROCESSES)
    figures.shareMinute()
    this.#wait(INTERVAL_MS)
  }

  #wait(ms: number): void {
    this.#cancel = this.#clock.after(CHECK_MS, () => {
      const isDue = ms <= CHECK_MS || sourcesOf(trippedIn(this.#context.breakers)) !== this.#told
      if (isDue) this.#beat()
      else this.#wait(ms - CHECK_MS)
    })
  }
}

/** The processes that were seen lately, and have not stopped in good order; the last seen first. */
export async function listProcesses(journal: Journal, now: number): Promise<ListedProcess[]> {
  const entries = await journal.read(LIST, { limit: MOST_PROCESSES })
  return entries.map(({ id, at, value }) => ({
    ...unpack<Facts>(value).facts,
    ...{ id, lastSeenAt: at, alive: now - at < ALIVE_MS },
  }))
}

export function trippedIn(breakers: ReadonlyMap<string, Breaker>): TrippedBreaker[] {
  const tripped: TrippedBreaker[] = []
  for (const [source, { state: breaker }] of breakers) {
    const { state, since } = breaker
    if (state !== 'closed') tripped.push({ source, state, since: since! })
    if (tripped.length === MOST_BREAKERS) break
  }
  return tripped
}

/** Whether a breaker that a process does not list is closed; otherwise that is not known. */
export const listsAllBreakers = ({ trippedBreakers }: Pick<Facts, 'trippedBreakers'>): boolean =>
  trippedBreakers !== undefined && trippedBreakers.length < MOST_BREAKERS

const sourcesOf = (tripped: readonly TrippedBreaker[]): string => tripped.map(({ source }) => source).join()
