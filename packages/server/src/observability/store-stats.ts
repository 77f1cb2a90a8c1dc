import { type Backlog, isInboxStore, type Store, type StoreStats } from 'hookonce'

const BACKLOG_MAX_AGE_MS = 5_000
/** Some stores count their records for this. */
const STATS_MAX_AGE_MS = 30_000
/** How long a reader waits for the store. */
const WAIT_MS = 1_000

/** What was read of the store, and when, in milliseconds since the epoch. */
export type Known<T> = T & { at: number }

/** Size and backlogs of the store, read on demand and cached. What was not read lately is not known. */
export class StoreStatsCache {
  readonly storeName: string
  /** Called when the store fails. */
  onFailed: (operation: 'stats' | 'backlog') => void = () => {}
  readonly #size: Reader<StoreStats>
  readonly #backlogs = new Map<string, Reader<Backlog>>()

  /** @param sources with `inbox`: in mode `inbox` */
  constructor(store: Store, sources: ReadonlyMap<string, { inbox?: unknown }>) {
    this.storeName = store.name
    this.#size = new Reader(
      STATS_MAX_AGE_MS,
      () => store.stats(),
      () => this.onFailed('stats'),
    )
    if (!isInboxStore(store)) return
    for (const [source, { inbox }] of sources) {
      if (inbox === undefined) continue
      const read = () => store.backlog(source)
      this.#backlogs.set(source, new Reader(BACKLOG_MAX_AGE_MS, read, () => this.onFailed('backlog')))
    }
  }

  get size(): Known<StoreStats> | undefined {
    return this.#size.known
  }

  /** By source in mode `inbox`. */
  get backlogs(): Map<string, Known<Backlog> | undefined> {
    return new Map([...this.#backlogs].map(([source, reader]) => [source, reader.known]))
  }

  /** Resolves within {@link WAIT_MS}, whether the store answered or not. Never rejects. */
  async refresh(): Promise<void> {
    const controller = new AbortController()
    const read = Promise.all([this.#size, ...this.#backlogs.values()].map(reader => reader.refresh()))
    await Promise.race([read, waitLimit(controller.signal)])
    controller.abort()
  }
}

/** Reads at most once per `maxAgeMs`, one read at a time. */
class Reader<T> {
  readonly #maxAgeMs: number
  readonly #read: () => Promise<T>
  readonly #failed: () => void
  #askedAt = Number.NEGATIVE_INFINITY
  #reading: Promise<void> | undefined
  #last: { value: Known<T>; readAt: number } | undefined

  constructor(maxAgeMs: number, read: () => Promise<T>, failed: () => void) {
    this.#maxAgeMs = maxAgeMs
    this.#read = read
    this.#failed = failed
  }

  get known(): Known<T> | undefined {
    if (this.#last === undefined) return undefined
    // While the next read is under way, the last value serves.
    return performance.now() - this.#last.readAt <= 2 * this.#maxAgeMs ? this.#last.value : undefined
  }

  refresh(): Promise<void> | undefined {
    if (this.#reading === undefined && performance.now() - this.#askedAt >= this.#maxAgeMs) {
      this.#askedAt = performance.now()
      this.#reading = this.#readOnce().finally(() => {
        this.#reading = undefined
      })
    }
    return this.#reading
  }

  async #readOnce(): Promise<void> {
    try {
      const value = await this.#read()
      this.#last = { value: { ...value, at: Date.now() }, readAt: performance.now() }
    } catch {
      this.#last = undefined
      this.#failed()
    }
  }
}

function waitLimit(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, WAIT_MS)
    signal.addEventListener('abort', () => clearTimeout(timer))
  })
}
