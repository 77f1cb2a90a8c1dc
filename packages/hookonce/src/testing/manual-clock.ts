import type { Clock } from '../util/clock.js'

// A test's fake timers may replace it later.
const { setImmediate: afterMicrotasks } = globalThis

/** Lets everything happen that needs no time to pass. */
export const flush = (): Promise<void> => new Promise(resolve => void afterMicrotasks(resolve))

/**
 * Time that passes only when it is told to. Timers fire in order, each with all that follows from it.
 *
 * @example
 * const clock = new ManualClock()
 * const receiver = createReceiver({ store: memoryStore({ clock }), clock })
 * await clock.advance(15_000)
 */
export class ManualClock implements Clock {
  #time = 0
  #order = 0
  readonly #timers = new Map<number, { at: number; callback: () => unknown }>()
  readonly #epoch: number

  /** @param epoch what {@link now} starts at, in ms since the epoch. Default: the start of 2030 */
  constructor(epoch = Date.UTC(2030, 0)) {
    this.#epoch = epoch
  }

  now(): number {
    return this.#epoch + this.#time
  }

  monotonic(): number {
    return this.#time
  }

  after(ms: number, callback: () => unknown): () => void {
    const id = this.#order++
    this.#timers.set(id, { at: this.#time + Math.max(0, ms), callback })
    return () => void this.#timers.delete(id)
  }

  /** Passes `ms`, firing every timer that falls due, then those they set. */
  async advance(ms: number): Promise<void> {
    const until = this.#time + ms
    await flush()
    for (let next = this.#next(until); next !== undefined; next = this.#next(until)) {
      this.#timers.delete(next.id)
      this.#time = Math.max(this.#time, next.at)
      await next.callback()
      await flush()
    }
    this.#time = until
  }

  #next(until: number) {
    let first: { id: number; at: number; callback: () => unknown } | undefined
    for (const [id, timer] of this.#timers) {
      if (timer.at <= until && (first === undefined || timer.at < first.at)) first = { id, ...timer }
    }
    return first
  }
}
