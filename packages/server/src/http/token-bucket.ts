/** A token bucket. */
export class TokenBucket {
  readonly #perSecond: number
  readonly #capacity: number
  #tokens: number
  #countedAt: number

  /** @param burst as many tokens at once. Default: those of a second */
  constructor(perSecond: number, now: number, burst = Math.max(1, perSecond)) {
    this.#perSecond = perSecond
    this.#capacity = burst
    this.#tokens = this.#capacity
    this.#countedAt = now
  }

  /** Takes a token and returns 0, or returns the milliseconds until the next one. `now`: milliseconds on a monotonic clock. */
  take(now: number): number {
    this.#tokens = Math.min(this.#capacity, this.#tokens + ((now - this.#countedAt) / 1000) * this.#perSecond)
    this.#countedAt = now
    if (this.#tokens < 1) return ((1 - this.#tokens) / this.#perSecond) * 1000
    this.#tokens--
    return 0
  }

  /** Returns a token that was not used. */
  giveBack(): void {
    this.#tokens = Math.min(this.#capacity, this.#tokens + 1)
  }
}
