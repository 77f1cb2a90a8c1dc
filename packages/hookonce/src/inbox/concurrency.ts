import type { Clock } from '../util/clock.js'

/**
 * Room for so many attempts at once, shared by several sources in turns: who found no room is next when there is some,
 * whatever backlog the others have.
 */
export class Slots {
  readonly #total: number
  readonly #waiting = new Map<string, () => void>()
  #used = 0

  constructor(total: number) {
    this.#total = total
  }

  /** Reserves room for at most so many; if there is none, `wake` is called when there is some for this source. */
  reserve(source: string, most: number, wake: () => void): number {
    const waiting = [...this.#waiting.keys()]
    const ahead = this.#waiting.has(source) ? waiting.indexOf(source) : waiting.length
    const room = Math.min(most, this.#total - this.#used - ahead)
    if (room < 1) {
      if (!this.#waiting.has(source)) this.#waiting.set(source, wake)
      return 0
    }
    this.#waiting.delete(source)
    this.#used += room
    return room
  }

  release(count: number): void {
    this.#used -= count
    for (const wake of [...this.#waiting.values()]) {
      if (this.#used >= this.#total) return
      wake()
    }
  }
}

/** At most so many attempts a second, up to one second's worth at once. */
export class RateLimit {
  readonly #clock: Clock
  readonly #perSecond: number
  #tokens: number
  #countedAt: number
  #waking = false

  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock
    this.#perSecond = perSecond
    this.#tokens = Math.max(1, perSecond)
    this.#countedAt = clock.monotonic()
  }

  /** Reserves at most so many attempts; if none may be begun now, `wake` is called when one may. */
  reserve(most: number, wake: () => void): number {
    const now = this.#clock.monotonic()
    const earned = ((now - this.#countedAt) / 1000) * this.#perSecond
    this.#tokens = Math.min(Math.max(1, this.#perSecond), this.#tokens + earned)
    this.#countedAt = now
    if (this.#tokens < 1 && !this.#waking) {
      this.#waking = true
      this.#clock.after(Math.ceil(((1 - this.#tokens) / this.#perSecond) * 1000), () => {
        this.#waking = false
        wake()
      })
    }
    const room = Math.min(most, Math.floor(this.#tokens))
    this.#tokens -= room
    return room
  }

  release(count: number): void {
    this.#tokens += count
  }
}
