/** Why there is no body. */
export type NoBody = 'too_large' | 'too_slow' | 'no_room' | 'gone'

const NOTHING = Buffer.alloc(0)

/** Smaller chunks are copied together: a Buffer of its own for each costs many times its size. */
export const LARGE_PIECE_BYTES = 16_384

/** A body that is being received. */
export class BodyBuffer {
  readonly since = performance.now()
  readonly end: (why: NoBody) => void
  before: BodyBuffer | undefined
  after: BodyBuffer | undefined
  /** Its size when the list counted it. */
  counted = 0
  readonly #most: number
  #list: BodyBufferList
  readonly #large: Buffer[] = []
  /** The small chunks after the last large one; it grows. */
  #small: Buffer = NOTHING
  #smallLength = 0
  #length = 0
  #size = 0

  /** @param most the largest that it may become, in bytes */
  constructor(list: BodyBufferList, most: number, end: (why: NoBody) => void) {
    this.#list = list
    this.#most = most
    this.end = end
    list.add(this)
  }

  get length(): number {
    return this.#length
  }

  /** The memory that it holds, used or not. */
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

  /** Appends it to another list. */
  moveTo(list: BodyBufferList): void {
    this.leave()
    this.#list = list
    list.add(this)
  }

  leave(): void {
    this.#list.remove(this)
  }
}

/** Bodies that are being received, oldest first. A linked list: a Set would rehash again and again. */
export class BodyBufferList {
  #first: BodyBuffer | undefined
  #last: BodyBuffer | undefined
  #bytes = 0

  get first(): BodyBuffer | undefined {
    return this.#first
  }

  /** The memory that they hold together. */
  get bytes(): number {
    return this.#bytes
  }

  add(buffer: BodyBuffer): void {
    buffer.counted = buffer.size
    this.#bytes += buffer.counted
    buffer.before = this.#last
    buffer.after = undefined
    if (this.#last === undefined) this.#first = buffer
    else this.#last.after = buffer
    this.#last = buffer
  }

  remove(buffer: BodyBuffer): void {
    const { before, after } = buffer
    this.#bytes -= buffer.counted
    if (before === undefined) this.#first = after
    else before.after = after
    if (after === undefined) this.#last = before
    else after.before = before
  }

  /** The current one may leave during the iteration. */
  *[Symbol.iterator](): Iterator<BodyBuffer> {
    for (let buffer = this.#first; buffer !== undefined; ) {
      const { after } = buffer
      yield buffer
      buffer = after
    }
  }
}
