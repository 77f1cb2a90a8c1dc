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

/** The store is not asked more often. */
const LOOK_EVERY_MS = 10_000
/** Nor before so much of the room that was left is used up here. */
const PART_OF_ROOM = 1 / 64
/** A record without its result or delivery, about. */
const RECORD_BYTES = 400

/**
 * Whether a source may keep more, as far as this process knows: by what the store told last and what was added here since.
 * While there is room no delivery waits for the store; what cannot be found out refuses none.
 */
export class Quota {
  readonly #context: QuotaContext
  readonly #scope: string
  readonly #records: Level
  readonly #bytes: Level
  #full: Full | undefined
  #lookedAt = Number.NEGATIVE_INFINITY
  #looking: Promise<void> | undefined

  constructor(context: QuotaContext, scope: string, { maxRecords, maxStoredBytes }: Limits) {
    this.#context = context
    this.#scope = scope
    this.#records = new Level(maxRecords)
    this.#bytes = new Level(maxStoredBytes)
  }

  /** Then what is new goes by {@link refusal} first. */
  get isFull(): boolean {
    return this.#full !== undefined
  }

  /** A record was made, with a delivery of so many bytes. */
  added(bytes = 0): void {
    this.#records.add(1)
    this.#bytes.add(RECORD_BYTES + bytes)
    this.#lookIfDue()
  }

  /** A result was recorded. */
  grew(bytes: number): void {
    this.#bytes.add(bytes)
    this.#lookIfDue()
  }

  /** Which limit a new record of that key would go beyond; `undefined`: there is room again, or there is a record. */
  async refusal(key: string): Promise<Full | undefined> {
    if (this.#mayLook()) await this.#look()
    if (this.#full === undefined) return undefined
    const isKnown = await this.#context.has({ scope: this.#scope, key }).catch(() => true)
    return isKnown ? undefined : this.#full
  }

  #lookIfDue(): void {
    if (!this.#records.isDue() && !this.#bytes.isDue()) return
    this.#judge()
    if (this.#mayLook()) void this.#look()
  }

  #mayLook(): boolean {
    return this.#looking !== undefined || this.#context.clock.monotonic() - this.#lookedAt >= LOOK_EVERY_MS
  }

  /** Those who come meanwhile share what it comes to. Never rejects. */
  #look(): Promise<void> {
    this.#looking ??= this.#ask().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  async #ask(): Promise<void> {
    this.#lookedAt = this.#context.clock.monotonic()
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
    this.#records.told(usage.records, records)
    this.#bytes.told(usage.bytes, bytes)
    this.#judge()
  }

  #judge(): void {
    const before = this.#full
    this.#full = this.#records.full('maxRecords') ?? this.#bytes.full('maxStoredBytes')
    const told = this.#full ?? before
    if (told === undefined || (before !== undefined && this.#full !== undefined)) return
    const full = this.#full !== undefined
    this.#context.report({ type: 'source_full', scope: this.#scope, key: null, requestId: null, full, ...told })
  }
}

/** How much of one thing is kept, and when that is worth a look. */
class Level {
  readonly #most: number
  kept = 0
  #isKnown = false
  #lookAt: number

  constructor(most: number) {
    this.#most = most === 0 ? Number.POSITIVE_INFINITY : most
    // The first that is added has the store asked what it holds.
    this.#lookAt = this.#most === Number.POSITIVE_INFINITY ? this.#most : 1
  }

  add(count: number): void {
    this.kept += count
  }

  isDue(): boolean {
    return this.kept >= this.#lookAt
  }

  full(limit: keyof Limits): Full | undefined {
    return this.#isKnown && this.kept >= this.#most ? { limit, most: this.#most } : undefined
  }

  /** What the store keeps, `undefined`: nobody knows; `before`: what was taken for that when it was asked. */
  told(usage: number | undefined, before: number): void {
    this.#isKnown = usage !== undefined
    this.kept = (usage ?? 0) + this.kept - before
    this.#lookAt = this.kept + Math.max(1, (this.#most - this.kept) * PART_OF_ROOM)
  }
}
