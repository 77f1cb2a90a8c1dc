import { setImmediate } from 'node:timers/promises'
import type { Answer, Delivery, Journal, JournalEntry, Receiver } from 'hookonce'
import type { ResolvedSource } from '../config/resolve.js'
import { mountedSource, type SourceContext } from '../deliveries/sources.js'
import { contentOf, failedListOf, type KeptDelivery, keptIn } from '../journal/kept-deliveries.js'
import { type JournalPage, type PageQuery, readPage } from './journal-page.js'

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

type Listed = JournalPage['entries'][number]

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
  async page(query: FailedSelection & PageQuery): Promise<{ failed: FailedDelivery[]; next?: string }> {
    const { entries, ...next } = await this.#read(this.#sourcesOf(query), query)
    const open = await this.#open(entries)
    return { failed: open.map(({ source, entry }) => failedOf(source, entry)), ...next }
  }

  /** One of them with its content, also if it has a result by now; `undefined`: none is kept. */
  async find(source: string, key: string): Promise<{ failed: FailedDelivery; delivery: Delivery } | undefined> {
    const entry = await this.#context.journal.find(failedListOf(source), key)
    return entry && { failed: failedOf(source, entry), delivery: await contentOf(entry) }
  }

  async count(selection: FailedSelection): Promise<number> {
    let count = 0
    for await (const batch of this.#batches(selection)) count += batch.length
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
      for await (const batch of this.#batches(selection)) {
        while (batch.length > 0 && progress.replayed < limit) {
          const some = batch.splice(0, Math.min(CONCURRENCY, limit - progress.replayed))
          const successes = await Promise.all(some.map(entry => this.#succeeds(entry)))
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

  async #succeeds({ source, entry }: Listed): Promise<boolean> {
    const { outcome, rest } = await this.replay(source, entry.id, await contentOf(entry))
    if (rest !== undefined) await rest[Symbol.asyncIterator]().return?.()
    return DONE.has(outcome)
  }

  /** Those that can be replayed, a page at a time. Pages go from the newest to the oldest, so that none is met twice. */
  async *#batches(selection: FailedSelection): AsyncGenerator<Listed[]> {
    for (const source of this.#sourcesOf(selection)) {
      let after: string | undefined
      do {
        const { entries, next } = await this.#read([source], { ...selection, limit: BATCH, after })
        yield await this.#open(entries.filter(({ entry }) => keptIn(entry).isWhole))
        after = next
        await setImmediate()
      } while (after !== undefined)
    }
  }

  #sourcesOf({ source }: FailedSelection): string[] {
    return source === undefined ? [...this.#context.sources.keys()] : [source]
  }

  #read(sources: string[], query: PageQuery): Promise<JournalPage> {
    return readPage(this.#context.journal, sources, failedListOf, query)
  }

  /** Those without a result. */
  async #open(entries: readonly Listed[]): Promise<Listed[]> {
    const open = await Promise.all(entries.map(listed => this.#isOpen(listed)))
    return entries.filter((_, i) => open[i])
  }

  /** Whether it still has no result: the sender's own retry may have had one. */
  async #isOpen({ source, entry: { id: key } }: Listed): Promise<boolean> {
    const { receiver, journal } = this.#context
    const record = await receiver.record(source, key)
    if (record?.state !== 'completed') return true
    await journal.remove(failedListOf(source), key)
    return false
  }
}

/** A result is recorded. */
const DONE = new Set<Answer['outcome']>(['executed', 'replayed', 'joined'])

const failedOf = (source: string, entry: JournalEntry): FailedDelivery => ({ ...keptIn(entry), source, key: entry.id })
