/** What comes instead of a body. */
export type NoBody = 'too_large' | 'too_slow' | 'no_room' | 'gone'

const NOTHING = Buffer.alloc(0)

/** A body that is on its way. Its bytes are in one piece of memory that grows: small pieces cost many times their size. */
export class Reading {
  readonly since = performance.now()
  readonly end: (why: NoBody) => void
  before: Reading | undefined
  after: Reading | undefined
  /** What it holds by the count of the readings that it is among. */
  counted = 0
  readonly #most: number
  #among: Readings
  #memory: Buffer = NOTHING
  #length = 0

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
    return this.#memory.length
  }

  get bytes(): Buffer {
    return this.#length === this.#memory.length ? this.#memory : Buffer.from(this.#memory.subarray(0, this.#length))
  }

  add(chunk: Buffer): void {
    const length = this.#length + chunk.length
    if (this.#length === 0) this.#memory = chunk
    else {
      if (length > this.#memory.length) this.#grow(Math.max(length, Math.min(2 * this.#memory.length, this.#most)))
      chunk.copy(this.#memory, this.#length)
    }
    this.#length = length
  }

  #grow(size: number): void {
    const memory = Buffer.allocUnsafeSlow(size)
    this.#memory.copy(memory, 0, 0, this.#length)
    this.#memory = memory
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
