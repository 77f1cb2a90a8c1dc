import { randomInt } from 'node:crypto'
import type { RecordId } from '../store.js'

/** Each part grows on its own, so that no claim waits for all of an index to be made anew. */
const PARTS = 256
const SMALLEST_PART = 16
const EMPTY = new Int32Array(SMALLEST_PART)

/** Of this process alone, so that which keys meet is not known elsewhere. */
const seed = randomInt(2 ** 31)
const factor = randomInt(2 ** 30) * 2 + 1

/** 32 bits, negative ones too. */
export function hashOf({ scope, key }: RecordId): number {
  let hash = mix(mix(seed, scope), key)
  hash = Math.imul(hash ^ (hash >>> 16), factor)
  return hash ^ (hash >>> 15)
}

function mix(hash: number, text: string): number {
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), factor)
    hash ^= hash >>> 15
  }
  return hash
}

/**
 * Where what has a hash is: tables with open addressing, in numbers alone, which the garbage collector need not look at.
 * Places are 0 to 2^31 - 2. Several may have one hash.
 */
export class HashIndex {
  /** Pairs of a hash and its place + 1, which is 0 where a slot is free. */
  readonly #parts: Int32Array[] = new Array(PARTS).fill(EMPTY)
  readonly #sizes = new Int32Array(PARTS)

  find(hash: number, isIt: (place: number) => boolean): number | undefined {
    const part = this.#parts[hash >>> 24]!
    for (let at = home(part, hash); part[at + 1] !== 0; at = after(part, at)) {
      if (part[at] === hash && isIt(part[at + 1]! - 1)) return part[at + 1]! - 1
    }
    return undefined
  }

  add(hash: number, place: number): void {
    const number = hash >>> 24
    const size = ++this.#sizes[number]!
    let part = this.#parts[number]!
    if (part === EMPTY || size * 8 > part.length * 3) {
      part = grown(part)
      this.#parts[number] = part
    }
    put(part, hash, place + 1)
  }

  move(hash: number, from: number, to: number): void {
    const part = this.#parts[hash >>> 24]!
    part[slotOf(part, hash, from) + 1] = to + 1
  }

  remove(hash: number, place: number): void {
    const part = this.#parts[hash >>> 24]!
    this.#sizes[hash >>> 24]!--
    let gap = slotOf(part, hash, place)
    // A search ends at a free slot, so what was put behind this one for want of room moves up.
    for (let at = after(part, gap); part[at + 1] !== 0; at = after(part, at)) {
      const mask = part.length - 1
      const fromHome = (at - home(part, part[at]!)) & mask
      if (fromHome < ((at - gap) & mask)) continue
      part[gap] = part[at]!
      part[gap + 1] = part[at + 1]!
      gap = at
    }
    part[gap + 1] = 0
  }
}

const home = (part: Int32Array, hash: number) => (hash << 1) & (part.length - 1)

const after = (part: Int32Array, at: number) => (at + 2) & (part.length - 1)

function slotOf(part: Int32Array, hash: number, place: number): number {
  let at = home(part, hash)
  while (part[at] !== hash || part[at + 1] !== place + 1) at = after(part, at)
  return at
}

function put(part: Int32Array, hash: number, value: number): void {
  let at = home(part, hash)
  while (part[at + 1] !== 0) at = after(part, at)
  part[at] = hash
  part[at + 1] = value
}

function grown(part: Int32Array): Int32Array {
  const larger = new Int32Array(part === EMPTY ? SMALLEST_PART : 2 * part.length)
  for (let at = 0; at < part.length; at += 2) {
    if (part[at + 1] !== 0) put(larger, part[at]!, part[at + 1]!)
  }
  return larger
}
