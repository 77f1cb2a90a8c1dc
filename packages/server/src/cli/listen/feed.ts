import type { ServerApi } from '../server-api.js'

/** A delivery as `GET /api/deliveries` lists it. */
export interface Listed {
  id: string
  source: string
  key: string | null
  at: string
  outcome: string
  status: number | null
  whole: boolean
}

export type HeaderPairs = [name: string, value: string][]

/** `GET /api/delivery`. */
export interface Copied extends Listed {
  delivery: { method: string; url: string; headers: HeaderPairs; body: string | null; body_encoding: 'utf8' | 'base64' }
}

/** How far the copies of a source came. */
export interface Position {
  /** The time of the newest copy, in ms since the epoch by the server's store. */
  at: number
  /** The ids of those that are not much older. */
  seen: Record<string, number>
}

interface Page {
  deliveries: Listed[]
  kept: 'accepted' | 'failed' | 'all' | 'none'
  next?: string
}

/** A write may be seen so much later than its time says. Longer than any time limit of a store's operation. */
const LATE_MS = 10_000
const PAGE = 500
/** At most so many are fetched at once. */
const FETCHED_AT_ONCE = 8

/** The deliveries of one source that were not copied yet. */
export class Feed {
  readonly source: string
  readonly #api: ServerApi
  /** `undefined`: it has not begun. */
  #at: number | undefined
  readonly #seen: Map<string, number>

  constructor(api: ServerApi, source: string, position: Position | undefined) {
    this.source = source
    this.#api = api
    this.#at = position?.at
    this.#seen = new Map(Object.entries(position?.seen ?? {}))
  }

  get position(): Position {
    return { at: this.#at!, seen: Object.fromEntries(this.#seen) }
  }

  /** What the source keeps. */
  async kept(): Promise<Page['kept']> {
    return (await this.#page({ limit: 1 })).kept
  }

  /** Without a position it begins with those of this time, in ms since the epoch, or with what comes from now on. */
  async begin(since: number | undefined): Promise<void> {
    if (this.#at !== undefined) return
    if (since !== undefined) {
      this.#at = since + LATE_MS
      return
    }
    const newest = (await this.#page({ limit: 1 })).deliveries[0]
    const at = newest === undefined ? 0 : Date.parse(newest.at)
    for (const listed of await this.#listedSince(at)) this.#seen.set(listed.id, Date.parse(listed.at))
    this.#at = at
  }

  /** The deliveries that are new, oldest first. Call {@link copied} for each. */
  async *fresh(): AsyncGenerator<Copied> {
    const listed = (await this.#listedSince(this.#at!)).filter(({ id }) => !this.#seen.has(id)).reverse()
    for (let from = 0; from < listed.length; from += FETCHED_AT_ONCE) {
      const some = listed.slice(from, from + FETCHED_AT_ONCE)
      const found = await Promise.all(
        some.map(({ id }) => this.#api.find<Copied>('api/delivery', { source: this.source, id })),
      )
      // What is gone by now was deleted, or is too old.
      yield* found.filter(copied => copied !== undefined)
    }
    this.#forgetOld()
  }

  copied({ id, at }: Listed): void {
    const time = Date.parse(at)
    this.#at = Math.max(this.#at!, time)
    this.#seen.set(id, time)
  }

  #forgetOld(): void {
    for (const [id, time] of this.#seen) if (time < this.#at! - 2 * LATE_MS) this.#seen.delete(id)
  }

  /** Newest first, all that may have come after this time. */
  async #listedSince(at: number): Promise<Listed[]> {
    const since = new Date(Math.max(0, at - LATE_MS)).toISOString()
    const listed: Listed[] = []
    for (let after: string | undefined; ; ) {
      const page = await this.#page({ since, limit: PAGE, after })
      listed.push(...page.deliveries)
      after = page.next
      if (after === undefined) return listed
    }
  }

  #page(query: { since?: string; limit: number; after?: string | undefined }): Promise<Page> {
    return this.#api.get('api/deliveries', { source: this.source, ...query })
  }
}
