import { setImmediate } from 'node:timers/promises'
import type { Answer, Delivery, Journal, JournalEntry, Receiver } from 'hookonce'
import type { ResolvedSource } from '../config/resolve.js'
import { mountedSource, type SourceContext } from '../deliveries/sources.js'
import { contentOf, failedListOf, type KeptDelivery, keptIn } from '../journal/kept-deliveries.js'

export interface FailedContext extends SourceContext {
  receiver: Receiver
  sources: ReadonlyMap<string, ResolvedSource>
  journal: Journal
}

/** A delivery that failed and has no result yet. */
export interface FailedDelivery extends KeptDelivery {
  source: string
  key: string
}

export interface FailedSelection {
  /** Default: all. */
  source?: string | undefined
  since?: number | undefined
  until?: number | undefined
}

type PageQuery = FailedSelection & { limit: number; after?: { at: number; id: string } | undefined }

export interface ReplayProgress {
  /** How many were called again. */
  replayed: number
  /** How many of them have a result now. */
  succeeded: number
  failed: number
  done: boolean
  /** Why it was interrupted; then this is the last progress. */
  error?: string
}

/** The entries of one page, and how many are replayed at once: as a sender might deliver them. */
const BATCH = 50
const CONCURRENCY = 8

/** Deliveries of sources in mode `inline` that failed, for as long as nothing else came of them. */
export class FailedDeliveries {
  readonly #context: FailedContext

  constructor(context: FailedContext) {
    this.#context = context
  }

  /** A page of them, newest first, which may be shorter than `limit`; `next` is absent on the last. */
  async page(selection: PageQuery) {
    const { limit } = selection
    const bySource = await Promise.all(
      this.#sourcesOf(selection).map(async source =>
        (await this.#entries(source, selection)).map(entry => ({ source, entry })),
      ),
    )
    const newest = bySource.flat().sort(newestFirst).slice(0, limit)
    const open = await Promise.all(newest.map(({ source, entry }) => this.#isOpen(source, entry)))
    const failed = newest.filter((_, i) => open[i]).map(({ source, entry }) => failedOf(source, entry))
    return { failed, last: newest.length === limit ? newest.at(-1)!.entry : undefined }
  }

  /** One of them with its content, also if it has a result by now; `undefined`: none is kept. */
  async find(source: string, key: string): Promise<{ failed: FailedDelivery; delivery: Delivery } | undefined> {
    const entry = await this.#context.journal.find(failedListOf(source), key)
    return entry && { failed: failedOf(source, entry), delivery: await contentOf(entry) }
  }

  async count(selection: FailedSelection): Promise<number> {
    let count = 0
    for await (const { entries } of this.#batches(selection)) count += entries.length
    return count
  }

  /** Processes one again, under its key, by the rules for any delivery of that key: what has a result does not run. */
  async replay(source: string, key: string, delivery: Delivery): Promise<Answer> {
    const { receive } = mountedSource(source, this.#context.sources.get(source)!, this.#context)
    const answer = await receive(delivery, true)
    if (DONE.has(answer.outcome)) await this.#context.journal.remove(failedListOf(source), key)
    return answer
  }

  /** Replays what is selected now, at most `limit`. Yields its progress after each batch; two calls at once do no harm. */
  async *replayAll(selection: FailedSelection, limit: number): AsyncGenerator<ReplayProgress> {
    const progress: ReplayProgress = { replayed: 0, succeeded: 0, failed: 0, done: false }
    try {
      for await (const { source, entries } of this.#batches(selection)) {
        while (entries.length > 0 && progress.replayed < limit) {
          const some = entries.splice(0, Math.min(CONCURRENCY, limit - progress.replayed))
          const successes = await Promise.all(some.map(entry => this.#succeeds(source, entry)))
          progress.replayed += some.length
          progress.succeeded += successes.filter(Boolean).length
          progress.failed = progress.replayed - progress.succeeded
          yield { ...progress }
        }
        if (progress.replayed >= limit) break
      }
      yield { ...progress, done: true }
    } catch (error) {
      yield { ...progress, error: error instanceof Error ? error.message : String(error) }
    }
  }

  async #succeeds(source: string, entry: JournalEntry): Promise<boolean> {
    const { outcome, rest } = await this.replay(source, entry.id, await contentOf(entry))
    if (rest !== undefined) await rest[Symbol.asyncIterator]().return?.()
    return DONE.has(outcome)
  }

  /** Those that can be replayed, a page at a time. What fails again is newer then, and is not met a second time. */
  async *#batches(selection: FailedSelection): AsyncGenerator<{ source: string; entries: JournalEntry[] }> {
    for (const source of this.#sourcesOf(selection)) {
      let after: JournalEntry | undefined
      do {
        const read = await this.#entries(source, { ...selection, limit: BATCH, after })
        after = read.length === BATCH ? read.at(-1) : undefined
        const open = await Promise.all(
          read.map(async entry => keptIn(entry).isWhole && (await this.#isOpen(source, entry))),
        )
        yield { source, entries: read.filter((_, i) => open[i]) }
        await setImmediate()
      } while (after !== undefined)
    }
  }

  #sourcesOf({ source }: FailedSelection): string[] {
    return source === undefined ? [...this.#context.sources.keys()] : [source]
  }

  #entries(source: string, { since, until, after, limit }: PageQuery): Promise<JournalEntry[]> {
    return this.#context.journal.read(failedListOf(source), {
      limit,
      ...(since !== undefined && { since }),
      ...(until !== undefined && { until }),
      ...(after !== undefined && { after }),
    })
  }

  /** Whether it still has no result: the sender's own retry may have had one. */
  async #isOpen(source: string, { id: key }: JournalEntry): Promise<boolean> {
    const { receiver, journal } = this.#context
    const record = await receiver.record(source, key)
    if (record?.state !== 'completed') return true
    await journal.remove(failedListOf(source), key)
    return false
  }
}

/** A result is recorded. */
const DONE = new Set<Answer['outcome']>(['executed', 'replayed', 'joined'])

const newestFirst = (a: { entry: JournalEntry }, b: { entry: JournalEntry }): number =>
  b.entry.at - a.entry.at || (a.entry.id < b.entry.id ? 1 : -1)

const failedOf = (source: string, entry: JournalEntry): FailedDelivery => ({ ...keptIn(entry), source, key: entry.id })
