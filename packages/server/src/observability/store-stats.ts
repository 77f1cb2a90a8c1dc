import { type Backlog, isInboxStore, type Store, type StoreStats } from 'hookonce'

/** Whoever looks, the store is asked no more often. */
const BACKLOG_EVERY_MS = 5_000
/** A store may count its records for this. */
const STATS_EVERY_MS = 30_000
/** Who looks goes on without what the store has not told by then. */
const PATIENCE_MS = 1_000

/** What the store knows of itself, asked for when somebody looks; until it has told, what was known last. */
export class StoreFigures {
  readonly storeName: string
  size: StoreStats = {}
  /** By source; one that the store could not tell of is not there. */
  readonly backlogs = new Map<string, Backlog>()
  /** Called when the store could not tell. */
  onFailed: (operation: 'stats' | 'backlog') => void = () => {}
  readonly #readers: Reader[]

  /** @param sources those that accept deliveries for later have an `inbox` */
  constructor(store: Store, sources: ReadonlyMap<string, { inbox?: unknown }>) {
    this.storeName = store.name
    const readSize = async () => {
      this.size = await store.stats()
    }
    const sizeUnknown = () => {
      this.size = {}
      this.onFailed('stats')
    }
    this.#readers = [new Reader(STATS_EVERY_MS, readSize, sizeUnknown)]
    if (!isInboxStore(store)) return
    for (const [source, { inbox }] of sources) {
      if (inbox === undefined) continue
      const read = async () => void this.backlogs.set(source, await store.backlog(source))
      const unknown = () => {
        this.backlogs.delete(source)
        this.onFailed('backlog')
      }
      this.#readers.push(new Reader(BACKLOG_EVERY_MS, read, unknown))
    }
  }

  /** Resolves soon, whether the store answered or not. Never rejects. */
  async refresh(): Promise<void> {
    const given = new AbortController()
    const read = Promise.all(this.#readers.map(reader => reader.refresh()))
    await Promise.race([read, patience(given.signal)])
    given.abort()
  }
}

/** Asks at most every so often, and one question at a time. */
class Reader {
  readonly #everyMs: number
  readonly #read: () => Promise<void>
  readonly #failed: () => void
  #readAt = Number.NEGATIVE_INFINITY
  #reading: Promise<void> | undefined

  constructor(everyMs: number, read: () => Promise<void>, failed: () => void) {
    this.#everyMs = everyMs
    this.#read = read
    this.#failed = failed
  }

  refresh(): Promise<void> | undefined {
    if (this.#reading === undefined && performance.now() - this.#readAt >= this.#everyMs) {
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

function patience(given: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, PATIENCE_MS)
    given.addEventListener('abort', () => clearTimeout(timer))
  })
}
