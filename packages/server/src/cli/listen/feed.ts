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
  readonly #api: ServerApi
  readonly #source: string
  #position: Position | undefined

  constructor(api: ServerApi, source: string, position: Position | undefined) {
    this.#api = api
    this.#source = source
    this.#position = position
  }

  /** `undefined`: it has not begun. */
  get position(): Position | undefined {
    return this.#position
  }

  /** What the source keeps. */
  async kept(): Promise<Page['kept']> {
    return (await this.#page({ limit: 1 })).kept
  }

  /** All that there is now counts as copied. */
  async skipPast(): Promise<void> {
    const newest = (await this.#page({ limit: 1 })).deliveries[0]
    this.#position = { at: newest === undefined ? 0 : Date.parse(newest.at), seen: {} }
    for (const { id, at } of await this.#since()) this.#position.seen[id] = Date.parse(at)
  }

  /** Copies begin with those of this time. */
  startAt(since: number): void {
    this.#position = { at: since + LATE_MS, seen: {} }
  }

  /** The deliveries that are new, oldest first. Call {@link copied} for each. */
  async *fresh(): AsyncGenerator<Copied> {
    const { seen } = this.#position!
    const listed = (await this.#since()).filter(({ id }) => seen[id] === undefined).reverse()
    for (let from = 0; from < listed.length; from += FETCHED_AT_ONCE) {
      const some = listed.slice(from, from + FETCHED_AT_ONCE)
      const found = await Promise.all(
        some.map(({ id }) => this.#api.find<Copied>('api/delivery', { source: this.#source, id })),
      )
      // What is gone by now was deleted, or is too old.
      yield* found.filter(copied => copied !== undefined)
    }
    this.#forgetOld()
  }

  copied({ id, at }: Listed): void {
    const position = this.#position!
    const time = Date.parse(at)
    position.at = Math.max(position.at, time)
    position.seen[id] = time
  }

  #forgetOld(): void {
    const { at, seen } = this.#position!
    for (const [id, time] of Object.entries(seen)) if (time < at - 2 * LATE_MS) delete seen[id]
  }

  /** Newest first, all that may be new. */
  async #since(): Promise<Listed[]> {
    const since = new Date(Math.max(0, this.#position!.at - LATE_MS)).toISOString()
    const listed: Listed[] = []
    for (let after: string | undefined; ; ) {
      const page = await this.#page({ since, limit: PAGE, after })
      listed.push(...page.deliveries)
      after = page.next
      if (after === undefined) return listed
    }
  }

  #page(query: { since?: string; limit: number; after?: string | undefined }): Promise<Page> {
    return this.#api.get('api/deliveries', { source: this.#source, ...query })
  }
}
