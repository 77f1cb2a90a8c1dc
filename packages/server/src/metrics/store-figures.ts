import { isInboxStore, type Store } from 'hookonce'
import type { Instruments } from './instruments.js'

/** Scrapes by several Prometheus servers are one question to the store. */
const BACKLOG_EVERY_MS = 5_000
/** A store may count its records for this. */
const STATS_EVERY_MS = 30_000
/** A scrape goes on without what the store has not told by then. */
const PATIENCE_MS = 1_000

/** What the store knows of itself, asked for when somebody looks. */
export class StoreFigures {
  readonly #readers: Reader[]

  /** @param inboxes the sources that accept deliveries for later */
  constructor(store: Store, inboxes: readonly string[], instruments: Instruments) {
    const { storeRecords, storeBytes, inboxDepth, inboxOverdue, inboxDead, storeErrors } = instruments
    const set = (gauge: typeof storeRecords, value: number | undefined) =>
      value === undefined ? gauge.remove() : gauge.set(value)
    this.#readers = [
      new Reader(
        STATS_EVERY_MS,
        async () => {
          const { records, bytes } = await store.stats()
          set(storeRecords, records)
          set(storeBytes, bytes)
        },
        () => {
          for (const gauge of [storeRecords, storeBytes]) gauge.remove()
          storeErrors.of('stats').value++
        },
      ),
    ]
    if (!isInboxStore(store)) return
    for (const source of inboxes) {
      const read = async () => {
        const { inLine, overdueMs, dead } = await store.backlog(source)
        inboxDepth.set({ source }, inLine)
        inboxOverdue.set({ source }, overdueMs / 1000)
        if (dead !== undefined) inboxDead.set({ source }, dead)
      }
      const failed = () => {
        for (const gauge of [inboxDepth, inboxOverdue, inboxDead]) gauge.remove({ source })
        storeErrors.of('backlog').value++
      }
      this.#readers.push(new Reader(BACKLOG_EVERY_MS, read, failed))
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
