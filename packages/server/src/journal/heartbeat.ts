import { hostname } from 'node:os'
import { type Clock, type Journal, systemClock } from 'hookonce'
import { version } from '../config/version.js'
import { EventLoopDelay } from '../observability/event-loop-delay.js'
import type { Figures } from './figures.js'
import { pack, unpack } from './packed.js'
import type { JournalWriter } from './writer.js'

const LIST = 'processes'
const INTERVAL_MS = 15_000
const KEEP_MS = 600_000
/** A process that was not seen for so long, two beats and some, is gone or hangs. */
const ALIVE_MS = 45_000
/** Of the event loop's delay. */
const RESOLUTION_MS = 50
const MOST_PROCESSES = 1_000

type Role = 'server' | 'worker'

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
    const { figures, inFlight, running, journalWriter } = this.#context
    const id = figures.process
    const facts: Facts = {
      ...this.#facts,
      eventLoopLagMs: this.#delay.longest(),
      inFlight: inFlight(),
      running: [...running().values()].reduce((sum, count) => sum + count, 0),
    }
    // At the store's time: clocks of machines differ.
    journalWriter.add({ list: LIST, id, keepMs: KEEP_MS, value: pack(facts) }, MOST_PROCESSES)
    figures.shareMinute()
    this.#cancel = this.#clock.after(INTERVAL_MS, () => this.#beat())
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
