import type { Journal, NewEntry } from 'hookonce'
import type { Logger } from 'pino'

/** How long an entry may wait for others that are written with it. */
const WAIT_MS = 1_000
/** Entries beyond are dropped: an attacker's, or of a store that is away. */
const MOST_WAITING = 5_000
const MOST_WAITING_BYTES = 16 * 1024 ** 2
/** A batch ends at either limit. */
const BATCH_ENTRIES = 200
const BATCH_BYTES = 1024 ** 2
/** At most one line about lost entries in this time. */
const LOST_INTERVAL_MS = 10_000

interface Waiting {
  entry: NewEntry
  /** Of the list. */
  most: number
  done?: (isWritten: boolean) => void
}

/**
 * Writes to the journal beside the deliveries' way: nothing waits for it unless it asks to, and no failure of it is one of a
 * delivery.
 */
export class JournalWriter {
  readonly #journal: Journal
  readonly #log: Logger
  #waiting: Waiting[] = []
  #waitingBytes = 0
  #flushing: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  /** How many entries a list has got since it was trimmed. */
  readonly #written = new Map<string, number>()
  #lost = 0
  #unreported = 0
  #saidAt = Number.NEGATIVE_INFINITY

  constructor(journal: Journal, log: Logger) {
    this.#journal = journal
    this.#log = log
  }

  /** How many entries could not be written. */
  get lost(): number {
    return this.#lost
  }

  /** Writes an entry within about a second, to a list that keeps its newest `most` entries or a few more. */
  add(entry: NewEntry, most: number): void {
    if (!this.#enqueue({ entry, most })) return
    this.#timer ??= setTimeout(() => void this.#flush(), WAIT_MS).unref()
  }

  /** As {@link add}, at once. Resolves with whether it is written; never rejects. */
  write(entry: NewEntry, most: number): Promise<boolean> {
    return new Promise(resolve => {
      if (this.#enqueue({ entry, most, done: resolve })) void this.#flush()
      else resolve(false)
    })
  }

  /** Resolves when all that came before is written or lost. */
  async flushed(): Promise<void> {
    while (this.#waiting.length > 0 || this.#flushing !== undefined) await this.#flush()
  }

  #enqueue(waiting: Waiting): boolean {
    const { byteLength } = waiting.entry.value
    if (this.#waiting.length >= MOST_WAITING || this.#waitingBytes + byteLength > MOST_WAITING_BYTES) {
      this.#lose(1)
      return false
    }
    this.#waiting.push(waiting)
    this.#waitingBytes += byteLength
    return true
  }

  /** One batch at a time: what comes meanwhile is the next. */
  #flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#flushing ??= this.#writeAll()
    return this.#flushing
  }

  async #writeAll(): Promise<void> {
    // What is added in this tick comes along.
    await new Promise(setImmediate)
    while (this.#waiting.length > 0) await this.#writeBatch(this.#nextBatch())
    // In the same tick: what comes from now on begins a write of its own, or it would wait for one.
    this.#flushing = undefined
  }

  #nextBatch(): Waiting[] {
    let bytes = 0
    let length = 0
    while (length < this.#waiting.length && length < BATCH_ENTRIES && bytes < BATCH_BYTES) {
      bytes += this.#waiting[length++]!.entry.value.byteLength
    }
    this.#waitingBytes -= bytes
    return this.#waiting.splice(0, length)
  }

  async #writeBatch(batch: Waiting[]): Promise<void> {
    let isWritten = true
    try {
      await this.#journal.write(batch.map(({ entry }) => entry))
    } catch (error) {
      isWritten = false
      this.#lose(batch.length, error)
    }
    for (const { done } of batch) done?.(isWritten)
    if (isWritten) await this.#trim(batch)
  }

  async #trim(batch: Waiting[]): Promise<void> {
    for (const { entry, most } of batch) {
      const { list } = entry
      const written = (this.#written.get(list) ?? 0) + 1
      this.#written.set(list, written)
      if (written <= most / 10) continue
      this.#written.delete(list)
      await this.#journal.trim(list, most).catch(() => {})
    }
  }

  #lose(count: number, error?: unknown): void {
    this.#lost += count
    this.#unreported += count
    const now = performance.now()
    if (now < this.#saidAt + LOST_INTERVAL_MS) return
    this.#saidAt = now
    this.#log.warn({ count: this.#unreported, err: error }, 'what operators could look at later was not kept')
    this.#unreported = 0
  }
}
