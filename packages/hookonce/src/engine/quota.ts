import type { RecordId, StoreStats } from '../stores/store.js'
import type { Clock } from '../util/clock.js'
import type { Report } from '../util/report.js'

/** What one source may keep; 0 or `Infinity`: as much as comes. */
export interface Limits {
  maxRecords: number
  maxStoredBytes: number
}

/** The limit that is reached. */
export interface Full {
  limit: keyof Limits
  most: number
}

export interface QuotaContext {
  clock: Clock
  report: Report
  /** What a scope keeps; a field that is absent is not known. */
  usage(scope: string): Promise<StoreStats>
  has(id: RecordId): Promise<boolean>
}

/** The store is not asked for its usage more often. */
const REFRESH_EVERY_MS = 10_000
/** Nor before this part of the remaining room is used up by this process. */
const PART_OF_ROOM = 1 / 64
/** About the size of a record without its result or delivery. */
const RECORD_BYTES = 400

/**
 * Whether a source may keep more: by the usage that the store reported last, and what this process added since. While
 * there is room no delivery waits for the store; an unknown usage refuses none.
 */
export class Quota {
  readonly #context: QuotaContext
  readonly #scope: string
  readonly #records: Level
  readonly #bytes: Level
  #full: Full | undefined
  #refreshedAt = Number.NEGATIVE_INFINITY
  #refreshing: Promise<void> | undefined

  constructor(context: QuotaContext, scope: string, { maxRecords, maxStoredBytes }: Limits) {
    this.#context = context
    this.#scope = scope
    this.#records = new Level(maxRecords)
    this.#bytes = new Level(maxStoredBytes)
  }

  /** If so, ask {@link refusal} about each new key. */
  get isFull(): boolean {
    return this.#full !== undefined
  }

  /** A record was made, with a delivery of so many bytes. */
  added(bytes = 0): void {
    this.#records.add(1)
    this.#bytes.add(RECORD_BYTES + bytes)
    this.#refreshIfDue()
  }

  /** A result was recorded. */
  grew(bytes: number): void {
    this.#bytes.add(bytes)
    this.#refreshIfDue()
  }

  /** Which limit a new record of that key would go beyond; `undefined`: there is room again, or there is a record. */
  async refusal(key: string): Promise<Full | undefined> {
    if (this.#mayRefresh()) await this.#refresh()
    if (this.#full === undefined) return undefined
    const isKnown = await this.#context.has({ scope: this.#scope, key }).catch(() => true)
    return isKnown ? undefined : this.#full
  }

  #refreshIfDue(): void {
    if (!this.#records.isDue() && !this.#bytes.isDue()) return
    this.#judge()
    if (this.#mayRefresh()) void this.#refresh()
  }

  #mayRefresh(): boolean {
    return this.#refreshing !== undefined || this.#context.clock.monotonic() - this.#refreshedAt >= REFRESH_EVERY_MS
  }

  /** Concurrent callers share one refresh. Never rejects. */
  #refresh(): Promise<void> {
    this.#refreshing ??= this.#readUsage().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  async #readUsage(): Promise<void> {
    this.#refreshedAt = this.#context.clock.monotonic()
    const [records, bytes] = [this.#records.kept, this.#bytes.kept]
    const usage = await this.#context.usage(this.#scope).catch((error: unknown): StoreStats => {
      this.#context.report({
        type: 'store_failed',
        scope: this.#scope,
        key: null,
        requestId: null,
        operation: 'usage',
        error,
      })
      return {}
    })
    this.#records.update(usage.records, records)
    this.#bytes.update(usage.bytes, bytes)
    this.#judge()
  }

  #judge(): void {
    const before = this.#full
    this.#full = this.#records.full('maxRecords') ?? this.#bytes.full('maxStoredBytes')
    const reported = this.#full ?? before
    if (reported === undefined || (before !== undefined && this.#full !== undefined)) return
    const full = this.#full !== undefined
    this.#context.report({ type: 'source_full', scope: this.#scope, key: null, requestId: null, full, ...reported })
  }
}

/** How much of one limit is used, and at which level the usage is refreshed. */
class Level {
  readonly #most: number
  kept = 0
  #isKnown = false
  #refreshAt: number

  constructor(most: number) {
    this.#most = most === 0 ? Number.POSITIVE_INFINITY : most
    // The first record added starts the first refresh.
    this.#refreshAt = this.#most === Number.POSITIVE_INFINITY ? this.#most : 1
  }

  add(count: number): void {
    this.kept += count
  }

  isDue(): boolean {
    return this.kept >= this.#refreshAt
  }

  full(limit: keyof Limits): Full | undefined {
    return this.#isKnown && this.kept >= this.#most ? { limit, most: this.#most } : undefined
  }

  /** `usage` is what the store keeps, `undefined` if it cannot tell; `before` what was assumed when it was asked. */
  update(usage: number | undefined, before: number): void {
    this.#isKnown = usage !== undefined
    this.kept = (usage ?? 0) + this.kept - before
    this.#refreshAt = this.kept + Math.max(1, (this.#most - this.kept) * PART_OF_ROOM)
  }
}
