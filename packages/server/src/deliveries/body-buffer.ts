/** What comes instead of a body. */
export type NoBody = 'too_large' | 'too_slow' | 'no_room' | 'gone'

const NOTHING = Buffer.alloc(0)

/** Pieces from here on are kept as they came; smaller ones cost many times their size, and are joined. */
export const LARGE_PIECE_BYTES = 16_384

/** A body that is on its way. */
export class Reading {
  readonly since = performance.now()
  readonly end: (why: NoBody) => void
  before: Reading | undefined
  after: Reading | undefined
  /** What it holds by the count of the readings that it is among. */
  counted = 0
  readonly #most: number
  #among: Readings
  readonly #large: Buffer[] = []
  /** Those after the last large one, in memory that grows. */
  #small: Buffer = NOTHING
  #smallLength = 0
  #length = 0
  #size = 0

  /** @param most bytes that it may come to */
  constructor(among: Readings, most: number, end: (why: NoBody) => void) {
    this.#among = among
    this.#most = most
    this.end = end
    among.add(this)
  }

  get length(): number {
    return this.#length
  }

  /** How much memory it has, used or not. */
  get size(): number {
    return this.#size
  }

  get bytes(): Buffer {
    const last = this.#small.subarray(0, this.#smallLength)
    if (this.#large.length > 0) return Buffer.concat([...this.#large, last], this.#length)
    return last.length === this.#size ? last : Buffer.from(last)
  }

  add(chunk: Buffer): void {
    this.#length += chunk.length
    if (chunk.length >= LARGE_PIECE_BYTES) {
      if (this.#smallLength > 0) this.#large.push(this.#small.subarray(0, this.#smallLength))
      this.#large.push(chunk)
      this.#small = NOTHING
      this.#smallLength = 0
      this.#size += chunk.length
    } else if (this.#smallLength === 0) {
      this.#small = chunk
      this.#smallLength = chunk.length
      this.#size += chunk.length
    } else {
      const length = this.#smallLength + chunk.length
      if (length > this.#small.length) this.#grow(Math.max(length, Math.min(2 * this.#small.length, this.#most)))
      chunk.copy(this.#small, this.#smallLength)
      this.#smallLength = length
    }
  }

  #grow(size: number): void {
    const memory = Buffer.allocUnsafeSlow(size)
    this.#small.copy(memory, 0, 0, this.#smallLength)
    this.#size += size - this.#small.length
    this.#small = memory
  }

  /** To the last place of these. */
  moveTo(readings: Readings): void {
    this.leave()
    this.#among = readings
    readings.add(this)
  }

  leave(): void {
    this.#among.remove(this)
  }
}

/** Bodies that are on their way, in the order in which they came here: a list, for a set would be made anew all the time. */
export class Readings {
  #first: Reading | undefined
  #last: Reading | undefined
  #bytes = 0

  get first(): Reading | undefined {
    return this.#first
  }

  /** What they hold together. */
  get bytes(): number {
    return this.#bytes
  }

  add(reading: Reading): void {
    reading.counted = reading.size
    this.#bytes += reading.counted
    reading.before = this.#last
    reading.after = undefined
    if (this.#last === undefined) this.#first = reading
    else this.#last.after = reading
    this.#last = reading
  }

  remove(reading: Reading): void {
    const { before, after } = reading
    this.#bytes -= reading.counted
    if (before === undefined) this.#first = after
    else before.after = after
    if (after === undefined) this.#last = before
    else after.before = before
  }

  /** Those of this moment; the one that is given may leave. */
  *[Symbol.iterator](): Iterator<Reading> {
    for (let reading = this.#first; reading !== undefined; ) {
      const { after } = reading
      yield reading
      reading = after
    }
  }
}
