import { type Backlog, isInboxStore, type Store, type StoreStats } from 'hookonce'

const BACKLOG_MAX_AGE_MS = 5_000
/** Some stores count their records for this. */
const STATS_MAX_AGE_MS = 30_000
/** How long a reader waits for the store; then it gets the previous values. */
const WAIT_MS = 1_000

/** Size and backlogs of the store, read on demand and cached. */
export class StoreStatsCache {
  readonly storeName: string
  size: StoreStats = {}
  /** By source; absent while it is not known. */
  readonly backlogs = new Map<string, Backlog>()
  /** Called when the store fails. */
  onFailed: (operation: 'stats' | 'backlog') => void = () => {}
  readonly #readers: Reader[]

  /** @param sources with `inbox`: in mode `inbox` */
  constructor(store: Store, sources: ReadonlyMap<string, { inbox?: unknown }>) {
    this.storeName = store.name
    const readSize = async () => {
      this.size = await store.stats()
    }
    const sizeUnknown = () => {
      this.size = {}
      this.onFailed('stats')
    }
    this.#readers = [new Reader(STATS_MAX_AGE_MS, readSize, sizeUnknown)]
    if (!isInboxStore(store)) return
    for (const [source, { inbox }] of sources) {
      if (inbox === undefined) continue
      const read = async () => void this.backlogs.set(source, await store.backlog(source))
      const unknown = () => {
        this.backlogs.delete(source)
        this.onFailed('backlog')
      }
      this.#readers.push(new Reader(BACKLOG_MAX_AGE_MS, read, unknown))
    }
  }

  /** Resolves within {@link WAIT_MS}, whether the store answered or not. Never rejects. */
  async refresh(): Promise<void> {
    const controller = new AbortController()
    const read = Promise.all(this.#readers.map(reader => reader.refresh()))
    await Promise.race([read, waitLimit(controller.signal)])
    controller.abort()
  }
}

/** Reads at most once per `maxAgeMs`, one read at a time. */
class Reader {
  readonly #maxAgeMs: number
  readonly #read: () => Promise<void>
  readonly #failed: () => void
  #readAt = Number.NEGATIVE_INFINITY
  #reading: Promise<void> | undefined

  constructor(maxAgeMs: number, read: () => Promise<void>, failed: () => void) {
    this.#maxAgeMs = maxAgeMs
    this.#read = read
    this.#failed = failed
  }

  refresh(): Promise<void> | undefined {
    if (this.#reading === undefined && performance.now() - this.#readAt >= this.#maxAgeMs) {
      this.#readAt = performance.now()
      this.#reading = this.#read()
        .catch(() => this.#failed())
        .finally(() => {
          this.#reading = undefined
        })
    }
    return this.#reading
  }
}

function waitLimit(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, WAIT_MS)
    signal.addEventListener('abort', () => clearTimeout(timer))
  })
}
