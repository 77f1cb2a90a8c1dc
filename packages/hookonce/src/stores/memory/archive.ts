import { StoreError } from '../../errors.js'
import { NEVER, type RecordId, type StoreStats } from '../store.js'
import { copyOf, type Entry } from './entry.js'
import { HashIndex, hashOf } from './hash-index.js'
import {
  contentsOf,
  DUE_AT,
  EXPIRES_AT,
  isNamed,
  isOfScope,
  NONE,
  ORDINAL,
  pack,
  type Slab,
  unpack,
  WORDS,
  wordsFor,
} from './packed.js'

/** 64 KiB, in numbers of eight bytes. */
const SLAB_WORDS = 2 ** 13
/** What is larger gets a slab of its own, so that no slab is left with much room. */
const MOST_SHARED_WORDS = SLAB_WORDS / 4
/** As many as the index can point into. */
const MOST_SLABS = 2 ** 18 - 1
/** Some ten thousand records of a usual size: some milliseconds' work. */
const MOST_SLABS_SAMPLED = 100
/** The expiry of a record that was removed. */
const GONE = Number.NEGATIVE_INFINITY

interface OwnSlab extends Slab {
  /** How much of it was given out, and how much of that is still of records. */
  used: number
  kept: number
  /** How many were written, whatever became of them. */
  records: number
  /** None of its records expires before. */
  soonest: number
}

/**
 * The records that do not change, as bytes outside of what V8 collects: a million objects that stay are copied twice each,
 * and looked at again and again. Records are written one after the other, and a slab is given back once all of its are
 * gone; those of one that is half empty are written again.
 */
export class Archive {
  size = 0
  readonly #index = new HashIndex()
  readonly #slabs: (OwnSlab | undefined)[] = []
  readonly #free: number[] = []
  /** The slab that is written to. */
  #tail = -1
  /** Where {@link sweep} goes on. */
  #hand = 0
  #handAt = 0
  #skipped = 0

  put(entry: Entry): void {
    const contents = contentsOf(entry)
    const place = this.#room(wordsFor(contents), entry.expiresAt)
    pack(entry, contents, this.#slabOf(place), atOf(place))
    this.#index.add(hashOf(entry), place)
    this.size++
  }

  /** A view of what is kept, to be copied before anything else is done here. */
  find(id: RecordId): Entry | undefined {
    const place = this.#find(hashOf(id), id)
    return place === undefined ? undefined : unpack(this.#slabOf(place), atOf(place))
  }

  /** When it is to be attempted; `undefined` if it is not, or not here. */
  dueAt(id: RecordId): number | undefined {
    const place = this.#find(hashOf(id), id)
    const dueAt = place === undefined ? NONE : this.#slabOf(place).numbers[atOf(place) + DUE_AT]!
    return dueAt === NONE ? undefined : dueAt
  }

  remove(id: RecordId): void {
    const hash = hashOf(id)
    const place = this.#find(hash, id)
    if (place !== undefined) this.#remove(hash, place)
  }

  /** Takes out what was put in: no view. */
  take(id: RecordId): Entry | undefined {
    const hash = hashOf(id)
    const place = this.#find(hash, id)
    if (place === undefined) return undefined
    const entry = unpack(this.#slabOf(place), atOf(place))
    if (entry.result !== null) entry.result = copyOf(entry.result)
    if (entry.delivery !== undefined) entry.delivery = copyOf(entry.delivery)
    this.#remove(hash, place)
    return entry
  }

  /** Looks at the next record in turn: removes it if it has expired. */
  sweep(now: number): void {
    // Records that cannot have expired count as looked at, and need not be fetched from far away for that.
    if (this.#skipped > 0) {
      this.#skipped--
      return
    }
    const at = this.#handAt
    const slab = this.#slabs[this.#hand]
    const isSparse = slab !== undefined && this.#hand !== this.#tail && slab.kept * 2 < slab.numbers.length
    const isFresh = slab !== undefined && at === 0 && now < slab.soonest && !isSparse
    if (slab === undefined || at >= slab.used || isFresh) {
      if (isFresh) this.#skipped = slab.records
      this.#hand = this.#hand + 1 < this.#slabs.length ? this.#hand + 1 : 0
      this.#handAt = 0
      return
    }
    if (at === 0) slab.soonest = NEVER
    this.#handAt += slab.numbers[at + WORDS]!
    const place = this.#hand * SLAB_WORDS + at
    const expiresAt = slab.numbers[at + EXPIRES_AT]!
    if (expiresAt === GONE) return
    if (now >= expiresAt) this.#remove(hashOf(unpack(slab, at)), place)
    else if (isSparse) this.#move(slab, at, place)
    else slab.soonest = Math.min(slab.soonest, expiresAt)
  }

  /** Removes at most so many expired records and says how many. */
  purge(limit: number, now: number): number {
    let removed = 0
    for (const { slab, at, place } of this.#places()) {
      if (removed === limit) break
      const expiresAt = slab.numbers[at + EXPIRES_AT]!
      if (expiresAt === GONE || now < expiresAt) continue
      this.#remove(hashOf(unpack(slab, at)), place)
      removed++
    }
    return removed
  }

  /** Views of those whose ordinal is wanted and which have not expired, most of the newest first. */
  *entries(now: number, isWanted: (ordinal: number) => boolean): Iterable<Entry> {
    for (const { slab, at } of this.#places()) {
      if (now < slab.numbers[at + EXPIRES_AT]! && isWanted(slab.numbers[at + ORDINAL]!)) yield unpack(slab, at)
    }
  }

  /** What a scope keeps here, by a sample of the slabs where there are many. */
  usage(scope: string, now: number): Required<StoreStats> {
    const step = Math.ceil(this.#slabs.length / MOST_SLABS_SAMPLED)
    let records = 0
    let words = 0
    for (let number = Math.floor(Math.random() * step); number < this.#slabs.length; number += step) {
      const slab = this.#slabs[number]
      if (slab === undefined) continue
      for (let at = 0; at < slab.used; at += slab.numbers[at + WORDS]!) {
        if (now >= slab.numbers[at + EXPIRES_AT]! || !isOfScope(slab, at, scope)) continue
        records++
        words += slab.numbers[at + WORDS]!
      }
    }
    return { records: records * step, bytes: 8 * words * step }
  }

  #find(hash: number, id: RecordId): number | undefined {
    return this.#index.find(hash, place => isNamed(this.#slabOf(place), atOf(place), id))
  }

  /** Every record's place, in the slabs that were begun last first. */
  *#places(): Iterable<{ slab: OwnSlab; at: number; place: number }> {
    for (let number = this.#slabs.length - 1; number >= 0; number--) {
      const slab = this.#slabs[number]
      if (slab === undefined) continue
      for (let at = 0; at < slab.used; at += slab.numbers[at + WORDS]!) {
        yield { slab, at, place: number * SLAB_WORDS + at }
      }
    }
  }

  #remove(hash: number, place: number): void {
    this.#index.remove(hash, place)
    this.size--
    this.#release(place)
  }

  #move(slab: OwnSlab, at: number, place: number): void {
    const words = slab.numbers[at + WORDS]!
    const to = this.#room(words, slab.numbers[at + EXPIRES_AT]!)
    this.#slabOf(to).numbers.set(slab.numbers.subarray(at, at + words), atOf(to))
    this.#index.move(hashOf(unpack(slab, at)), place, to)
    this.#release(place)
  }

  /** What lies there is nobody's any more. */
  #release(place: number): void {
    const slab = this.#slabOf(place)
    const at = atOf(place)
    slab.numbers[at + EXPIRES_AT] = GONE
    slab.kept -= slab.numbers[at + WORDS]!
    if (slab.kept > 0) return
    const number = numberOf(place)
    // What is written there next begins elsewhere.
    if (number === this.#hand) this.#handAt = 0
    if (number === this.#tail) Object.assign(slab, { used: 0, records: 0, soonest: NEVER })
    else {
      this.#slabs[number] = undefined
      this.#free.push(number)
    }
  }

  /** A place for so many numbers, given out. */
  #room(words: number, expiresAt: number): number {
    if (words > MOST_SHARED_WORDS) return this.#take(this.#begin(words), words, expiresAt)
    const tail = this.#slabs[this.#tail]
    if (tail === undefined || tail.used + words > SLAB_WORDS) this.#tail = this.#begin(SLAB_WORDS)
    return this.#take(this.#tail, words, expiresAt)
  }

  #take(number: number, words: number, expiresAt: number): number {
    const slab = this.#slabs[number]!
    slab.soonest = Math.min(slab.soonest, expiresAt)
    const place = number * SLAB_WORDS + slab.used
    slab.records++
    slab.used += words
    slab.kept += words
    return place
  }

  /** A new slab's number. */
  #begin(words: number): number {
    const number = this.#free.pop() ?? this.#slabs.length
    if (number === MOST_SLABS) throw new StoreError('the memory store is full', 'refused')
    const bytes = Buffer.allocUnsafeSlow(8 * words)
    this.#slabs[number] = {
      numbers: new Float64Array(bytes.buffer),
      bytes,
      used: 0,
      kept: 0,
      records: 0,
      soonest: NEVER,
    }
    return number
  }

  #slabOf(place: number): OwnSlab {
    return this.#slabs[numberOf(place)]!
  }
}

const numberOf = (place: number) => Math.floor(place / SLAB_WORDS)

const atOf = (place: number) => place % SLAB_WORDS
