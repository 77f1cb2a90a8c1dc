type Callback = (error?: Error | null) => void

/** What a handler writes beyond the recorded part of its response: pushed by the handler, pulled by who sends it. */
export class Remainder implements AsyncIterableIterator<Uint8Array> {
  readonly #queue: { chunk: Uint8Array; taken: Callback }[] = []
  readonly #drained: () => void
  #waiting: PromiseWithResolvers | undefined
  #state: 'open' | 'ended' | 'failed' | 'unwanted' = 'open'
  #error: unknown
  /** The handler was told to wait, as every handler is that wrote this much. */
  needDrain = true

  /** @param drained wakes a handler that waits for 'drain' */
  constructor(drained: () => void) {
    this.#drained = drained
  }

  /** Says whether to go on writing at once; `taken` is called when the chunk is on its way or unwanted. */
  push(chunk: Uint8Array, taken: Callback): boolean {
    if (this.#state !== 'open') {
      process.nextTick(taken)
      return true
    }
    this.needDrain = true
    if (chunk.length === 0 || this.#waiting) process.nextTick(taken)
    if (chunk.length === 0) return false
    if (this.#waiting) this.#wake({ done: false, value: chunk })
    else this.#queue.push({ chunk, taken })
    return false
  }

  end(): void {
    if (this.#state !== 'open') return
    this.#state = 'ended'
    this.#wake({ done: true, value: undefined })
  }

  fail(error: unknown): void {
    if (this.#state !== 'open') return
    this.#state = 'failed'
    this.#error = error
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.reject(error)
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const first = this.#queue.shift()
    if (first) {
      process.nextTick(first.taken)
      return Promise.resolve({ done: false, value: first.chunk })
    }
    if (this.#state === 'failed') return Promise.reject(this.#error)
    if (this.#state !== 'open') return Promise.resolve({ done: true, value: undefined })
    const waiting = withResolvers()
    this.#waiting = waiting
    this.#drain()
    return waiting.promise
  }

  /** Nobody wants the remainder: the handler may write on, to nowhere. */
  return(): Promise<IteratorResult<Uint8Array>> {
    if (this.#state === 'open') this.#state = 'unwanted'
    for (const { taken } of this.#queue.splice(0)) process.nextTick(taken)
    this.#wake({ done: true, value: undefined })
    this.#drain()
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #wake(result: IteratorResult<Uint8Array>): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.resolve(result)
  }

  #drain(): void {
    if (!this.needDrain) return
    this.needDrain = false
    this.#drained()
  }
}

interface PromiseWithResolvers {
  promise: Promise<IteratorResult<Uint8Array>>
  resolve: (result: IteratorResult<Uint8Array>) => void
  reject: (error: unknown) => void
}

function withResolvers(): PromiseWithResolvers {
  const made = {} as PromiseWithResolvers
  made.promise = new Promise((resolve, reject) => {
    made.resolve = resolve
    made.reject = reject
  })
  return made
}
