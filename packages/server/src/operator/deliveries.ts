import type { Delivery, DeliveryOutcome, Journal, JournalEntry, Receiver } from 'hookonce'
import type { ResolvedSource } from '../config/resolve.js'
import { contentOf, deliveryListOf, failedListOf, keptIn } from '../journal/kept-deliveries.js'
import { type PageQuery, readPage } from './journal-page.js'
import { recordPage } from './record-page.js'

export interface DeliveriesContext {
  receiver: Receiver
  sources: ReadonlyMap<string, ResolvedSource>
  journal: Journal
}

/** A delivery that is kept with its content. */
export interface ListedDelivery {
  id: string
  source: string
  key: string | null
  /** By the store's clock, in ms since the epoch. */
  at: number
  outcome: DeliveryOutcome
  /** That it was answered; `null`: an inbox accepted it. */
  status: number | null
  requestId: string | null
  /** `false`: its body is not kept, or not as it came. */
  isWhole: boolean
}

export type DeliveryQuery = PageQuery & { source: string }

/** What each source keeps of its deliveries: an inbox all that it accepted, others as `recordDelivery` says. */
export class Deliveries {
  readonly #context: DeliveriesContext

  constructor(context: DeliveriesContext) {
    this.#context = context
  }

  /** A page, newest first; `next` is absent on the last. */
  list(query: DeliveryQuery): Promise<{ deliveries: ListedDelivery[]; next?: string | undefined }> {
    return this.#isInbox(query.source) ? this.#accepted(query) : this.#kept(query)
  }

  /** The newest of all sources, one page. */
  async newest(query: Omit<DeliveryQuery, 'source' | 'after'>): Promise<ListedDelivery[]> {
    const names = [...this.#context.sources.keys()]
    const pages = await Promise.all(names.map(source => this.list({ ...query, source })))
    return pages
      .flatMap(({ deliveries }) => deliveries)
      .sort((a, b) => b.at - a.at)
      .slice(0, query.limit)
  }

  async find(source: string, id: string): Promise<{ listed: ListedDelivery; delivery: Delivery } | undefined> {
    const { receiver, journal } = this.#context
    if (this.#isInbox(source)) {
      const record = await receiver.record(source, id)
      if (record?.delivery === undefined) return undefined
      return { listed: acceptedOf(source, record), delivery: record.delivery }
    }
    const entry = await journal.find(this.#listOf(source), id)
    return entry && { listed: keptOf(source, entry), delivery: await contentOf(entry) }
  }

  #isInbox(source: string): boolean {
    return this.#context.sources.get(source)?.inbox !== undefined
  }

  #listOf(source: string): string {
    return this.#context.sources.get(source)?.kept.which === 'all' ? deliveryListOf(source) : failedListOf(source)
  }

  async #accepted({ source, since, until, limit, after }: DeliveryQuery) {
    const page = await recordPage(this.#context.receiver, {
      ...{ accepted: true, scope: source, limit },
      ...(since !== undefined && { since }),
      ...(until !== undefined && { until }),
      ...(after !== undefined && { after }),
    })
    return { deliveries: page.records.map(record => acceptedOf(source, record)), next: page.next }
  }

  async #kept(query: DeliveryQuery) {
    const { entries, ...next } = await readPage(
      this.#context.journal,
      [query.source],
      source => this.#listOf(source),
      query,
    )
    return { deliveries: entries.map(({ source, entry }) => keptOf(source, entry)), ...next }
  }
}

const acceptedOf = (source: string, { key, createdAt }: { key: string; createdAt: number }): ListedDelivery => ({
  ...{ id: key, source, key, at: createdAt },
  ...{ outcome: 'accepted', status: null, requestId: null, isWhole: true },
})

function keptOf(source: string, entry: JournalEntry): ListedDelivery {
  const { id, key, at, outcome, status, requestId, isWhole } = keptIn(entry)
  return { id, source, key, at, outcome, status, requestId, isWhole }
}
