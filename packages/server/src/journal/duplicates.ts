import { randomUUID } from 'node:crypto'
import type { Journal, JournalEntry, NewEntry } from 'hookonce'
import type { Logger } from 'pino'
import type { ResolvedSource } from '../config/resolve.js'
import { timingOfSource } from '../config/source-timing.js'
import type { DuplicateCount } from '../http/record-json.js'

const INTERVAL_MS = 1_000
/** Records whose count is written in one interval. */
const MOST_WRITTEN = 100
/** Records whose count is in memory. */
const MOST_COUNTERS = 10_000
/** Processes whose count of one record is read. */
const MOST_READ = 1_000

/** The duplicates of one record in this process. */
interface Counter {
  source: string
  list: string
  count: number
  first: number
  last: number
  /** Whether it contains what this process wrote before the counter was last evicted. */
  isWhole: boolean
}

/** The length keeps apart pairs whose concatenation is the same text. */
const listOf = (source: string, key: string): string => `duplicates ${source.length}:${source}${key}`

/** Has an entry for each process that could not keep all counts: when that was last. */
const droppedOf = (source: string): string => `duplicates dropped ${source}`

/**
 * Counts the duplicates of each record, and writes the counts beside the deliveries' way: a number of writes that does not
 * grow with the number of duplicates. Each process has one entry a record, which it replaces.
 */
export class Duplicates {
  readonly #journal: Journal
  readonly #sources: ReadonlyMap<string, ResolvedSource>
  readonly #log: Logger
  readonly #process = randomUUID()
  /** Changed since they were written, the longest waiting first. */
  readonly #waiting = new Map<string, Counter>()
  /** Written as they are, the longest unused first. */
  readonly #written = new Map<string, Counter>()
  /** When a count of a source was last dropped, until that is written. */
  readonly #dropped = new Map<string, number>()
  #hasEvicted = false
  #timer: NodeJS.Timeout | undefined
  #writing = Promise.resolve(true)
  #failedLast = false

  constructor(journal: Journal, sources: ReadonlyMap<string, ResolvedSource>, log: Logger) {
    this.#journal = journal
    this.#sources = sources
    this.#log = log
  }

  /** Counts one at this time, in ms since the epoch. */
  add(source: string, key: string, at: number): void {
    const list = listOf(source, key)
    const counter = this.#waiting.get(list) ?? this.#writtenOrNew(source, list, at)
    counter.count++
    counter.last = at
    this.#writeLater()
  }

  /** Writes what waits; ends early if the journal fails. */
  async flushed(): Promise<void> {
    let isWritten = true
    while (this.#waiting.size > 0 && isWritten) isWritten = await this.#write()
  }

  #writtenOrNew(source: string, list: string, at: number): Counter {
    const written = this.#written.get(list)
    if (written === undefined) this.#makeRoom(at)
    this.#written.delete(list)
    const counter = written ?? { source, list, count: 0, first: at, last: at, isWhole: !this.#hasEvicted }
    this.#waiting.set(list, counter)
    return counter
  }

  #makeRoom(at: number): void {
    if (this.#waiting.size + this.#written.size < MOST_COUNTERS) return
    this.#hasEvicted = true
    const [written] = this.#written.keys()
    const [waiting] = this.#waiting.values()
    if (written !== undefined) this.#written.delete(written)
    else if (waiting !== undefined) {
      this.#waiting.delete(waiting.list)
      this.#dropped.set(waiting.source, at)
    }
  }

  #writeLater(): void {
    this.#timer ??= setTimeout(async () => {
      await this.#write()
      this.#timer = undefined
      if (this.#waiting.size > 0) this.#writeLater()
    }, INTERVAL_MS).unref()
  }

  /** One write after the other. Resolves with whether it succeeded. */
  #write(): Promise<boolean> {
    this.#writing = this.#writing.then(async () => {
      try {
        await this.#writeSome()
        this.#failedLast = false
      } catch (error) {
        if (!this.#failedLast) this.#log.warn({ err: error }, 'counts of duplicates cannot be written; they are kept')
        this.#failedLast = true
      }
      return !this.#failedLast
    })
    return this.#writing
  }

  async #writeSome(): Promise<void> {
    const counters: Counter[] = []
    for (const counter of this.#waiting.values()) {
      if (counters.length === MOST_WRITTEN) break
      counters.push(counter)
    }
    if (counters.length === 0) return
    for (const counter of counters) await this.#complete(counter)
    const written = counters.map(({ count }) => count)
    const dropped = [...this.#dropped]
    await this.#journal.write([
      ...counters.map(counter => this.#entry(counter.source, counter.list, counter.last, counter)),
      ...dropped.map(([source, at]) => this.#entry(source, droppedOf(source), at)),
    ])
    for (const [index, counter] of counters.entries()) this.#onWritten(counter, written[index]!)
    for (const [source, at] of dropped) if (this.#dropped.get(source) === at) this.#dropped.delete(source)
  }

  /** Adds what an evicted counter of this record has written. */
  async #complete(counter: Counter): Promise<void> {
    if (counter.isWhole) return
    const entry = await this.#journal.find(counter.list, this.#process)
    if (entry !== undefined) {
      const { count, first } = countIn(entry)
      counter.count += count
      counter.first = first
    }
    counter.isWhole = true
  }

  #onWritten(counter: Counter, count: number): void {
    const { list } = counter
    // It may have been dropped meanwhile.
    if (this.#waiting.get(list) !== counter) return
    this.#waiting.delete(list)
    const next = counter.count === count ? this.#written : this.#waiting
    next.set(list, counter)
  }

  #entry(source: string, list: string, at: number, { count, first }: Partial<Counter> = {}): NewEntry {
    const keepMs = timingOfSource(this.#sources.get(source)!).retentionMs
    return { list, id: this.#process, at, keepMs, value: Buffer.from(JSON.stringify({ count, first })) }
  }
}

const countIn = ({ value }: JournalEntry): { count: number; first: number } => JSON.parse(Buffer.from(value).toString())

/** What all processes counted of a record that was created at this time. */
export async function readDuplicates(
  journal: Journal,
  { scope, key, createdAt }: { scope: string; key: string; createdAt: number },
): Promise<DuplicateCount> {
  const [entries, dropped] = await Promise.all([
    journal.read(listOf(scope, key), { limit: MOST_READ }),
    journal.read(droppedOf(scope), { since: createdAt, limit: 1 }),
  ])
  const counts = entries.map(countIn)
  return {
    count: counts.reduce((sum, { count }) => sum + count, 0),
    first: counts.reduce<number | null>((least, { first }) => Math.min(least ?? first, first), null),
    last: entries[0]?.at ?? null,
    isAtLeast: dropped.length > 0 || entries.length === MOST_READ,
  }
}
