import { MOST_COUNTED } from '../inbox-store.js'
import { NEVER, type RecordId, type StoreStats } from '../store.js'
import type { MemoryRecord } from './record.js'

/** Some milliseconds' work. */
const MOST_SAMPLED = 10_000
/** What a record takes beside its contents, about. */
const RECORD_BYTES = 1000
/** The expiry of a record that was removed. */
const REMOVED = Number.NEGATIVE_INFINITY

/** All records, by scope and key and by creation. */
export class Records {
  readonly #byName = new Map<string, MemoryRecord>()
  /** Removed ones stay until they are most of it. */
  #byCreation: MemoryRecord[] = []
  /** By scope; expired ones until they are removed. */
  readonly #dead = new Map<string, Set<MemoryRecord>>()
  #sweep = this.#byName.values()
  /** No record expires before. */
  #soonestExpiry = NEVER

  get size(): number {
    return this.#byName.size
  }

  /** An expired record is an absent one. */
  find(id: RecordId, now: number): MemoryRecord | undefined {
    const record = this.#byName.get(nameOf(id))
    return record !== undefined && now < record.expiresAt ? record : undefined
  }

  /** Where `find` finds none. */
  add(record: MemoryRecord): void {
    const name = nameOf(record)
    const expired = this.#byName.get(name)
    if (expired !== undefined) this.remove(expired)
    this.#byName.set(name, record)
    this.#byCreation.push(record)
    this.update(record)
  }

  /** Follows the record's `expiresAt` and `state`. */
  update(record: MemoryRecord): void {
    this.#soonestExpiry = Math.min(this.#soonestExpiry, record.expiresAt)
    if (record.state !== 'dead') this.#forgetDead(record)
    else this.#dead.set(record.scope, (this.#dead.get(record.scope) ?? new Set()).add(record))
  }

  remove(record: MemoryRecord): void {
    this.#byName.delete(nameOf(record))
    this.#forgetDead(record)
    record.expiresAt = REMOVED
    if (this.#byCreation.length <= 2 * this.size) return
    this.#byCreation = this.#byCreation.filter(({ expiresAt }) => expiresAt !== REMOVED)
  }

  /** Looks at the next two records: while each call comes before one new record, expired ones never pile up. */
  sweep(now: number): void {
    for (let looked = 0; looked < 2; looked++) {
      const { value } = this.#sweep.next()
      if (value === undefined) this.#sweep = this.#byName.values()
      else if (now >= value.expiresAt) this.remove(value)
    }
  }

  /** Removes at most so many expired records and says how many. */
  purge(limit: number, now: number): number {
    if (now < this.#soonestExpiry) return 0
    let removed = 0
    let soonestExpiry = NEVER
    for (const record of this.#byName.values()) {
      if (now < record.expiresAt) soonestExpiry = Math.min(soonestExpiry, record.expiresAt)
      else if (removed === limit) return removed
      else {
        this.remove(record)
        removed++
      }
    }
    this.#soonestExpiry = soonestExpiry
    return removed
  }

  /** Records older than the ordinal, the newest first; removed ones, which count as expired, among them. */
  *before(ordinal: number): Iterable<MemoryRecord> {
    for (let index = countBefore(this.#byCreation, ordinal) - 1; index >= 0; index--) yield this.#byCreation[index]!
  }

  countDead(scope: string, now: number): number {
    let counted = 0
    let dead = 0
    for (const { expiresAt } of this.#dead.get(scope) ?? []) {
      if (counted++ === MOST_COUNTED) break
      if (now < expiresAt) dead++
    }
    return dead
  }

  /** What a scope keeps: of many records, by a sample. */
  usage(scope: string, now: number): Required<StoreStats> {
    const step = Math.max(1, Math.ceil(this.#byCreation.length / MOST_SAMPLED))
    let records = 0
    let bytes = 0
    for (let index = Math.floor(Math.random() * step); index < this.#byCreation.length; index += step) {
      const record = this.#byCreation[index]!
      if (record.scope !== scope || now >= record.expiresAt) continue
      records++
      bytes += RECORD_BYTES + (record.result?.length ?? 0) + (record.delivery?.length ?? 0)
    }
    return { records: records * step, bytes: bytes * step }
  }

  #forgetDead(record: MemoryRecord): void {
    this.#dead.get(record.scope)?.delete(record)
  }
}

/** The length keeps apart pairs whose concatenation is the same text. */
function nameOf({ scope, key }: RecordId): string {
  return `${scope.length}:${scope}${key}`
}

/** How many of the records, which are in the order of their ordinals, come before this one. */
export function countBefore(records: readonly MemoryRecord[], ordinal: number): number {
  let low = 0
  let high = records.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (records[middle]!.ordinal < ordinal) low = middle + 1
    else high = middle
  }
  return low
}
