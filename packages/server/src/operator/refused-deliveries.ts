import type { Answer, Journal } from 'hookonce'
import type { ResolvedSource } from '../config/resolve.js'
import { mountedSource, type SourceContext } from '../deliveries/sources.js'
import { diagnose, type Finding } from '../journal/diagnosis.js'
import { contentOf, failedListOf, keptIn } from '../journal/kept-deliveries.js'
import { deliveryOf, entryOf, listOf, MOST_REFUSED, type RefusedDelivery, refusedIn } from '../journal/refused-log.js'
import { type PageQuery, readPage } from './journal-page.js'

export interface RefusedContext extends SourceContext {
  sources: ReadonlyMap<string, ResolvedSource>
  journal: Journal
}

/** A refused delivery with its source. */
export type RefusedOf = RefusedDelivery & { source: string }

/** What an operator can do with deliveries that were refused. */
export class RefusedDeliveries {
  readonly #context: RefusedContext

  constructor(context: RefusedContext) {
    this.#context = context
  }

  /** A page of a source or, by default, of all, newest first; `next` is absent on the last. */
  async page(query: PageQuery & { source?: string | undefined }): Promise<{ refused: RefusedOf[]; next?: string }> {
    const { journal, sources } = this.#context
    const names = query.source === undefined ? [...sources.keys()] : [query.source]
    const { entries, ...next } = await readPage(journal, names, listOf, query)
    return { refused: entries.map(({ source, entry }) => ({ ...refusedIn(entry), source })), ...next }
  }

  async find(source: string, id: string): Promise<RefusedOf | undefined> {
    const entry = await this.#context.journal.find(listOf(source), id)
    return entry && { ...refusedIn(entry), source }
  }

  /** The body of the delivery that took the key of a mismatch; `undefined`: it is not kept, or not shown. */
  async firstBody({ source, key, outcome }: RefusedOf): Promise<Uint8Array | undefined> {
    const { receiver, journal, sources } = this.#context
    if (outcome !== 'mismatch' || key === null || !sources.get(source)!.shown.bodies) return undefined
    const accepted = (await receiver.record(source, key))?.delivery
    if (accepted !== undefined) return accepted.body
    const failed = await journal.find(failedListOf(source), key)
    return failed && keptIn(failed).isWhole ? (await contentOf(failed)).body : undefined
  }

  /** Checks it by the sources of now, as if it came when it came. */
  verify(refused: RefusedOf): Finding[] {
    return diagnose(this.#context.sources, refused.source, deliveryOf(refused), refused.at)
  }

  /** Processes it without a check of its signature, and notes that. The body must be whole. */
  async accept(refused: RefusedOf): Promise<Answer> {
    const { source, id, at, body, ...facts } = refused
    const { receive } = mountedSource(source, this.#context.sources.get(source)!, this.#context)
    const answer = await receive(deliveryOf(refused), true)
    if (answer.status < 300) {
      await this.#context.journalWriter.write(
        entryOf(source, id, at, { ...facts, acceptedAt: Date.now() }, body),
        MOST_REFUSED,
      )
    }
    return answer
  }
}
