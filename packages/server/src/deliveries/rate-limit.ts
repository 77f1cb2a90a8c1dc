/** At most so many a second, up to one second's worth at once. */
export class TokenBucket {
  readonly #perSecond: number
  readonly #most: number
  #tokens: number
  #countedAt: number

  constructor(perSecond: number, now: number) {
    this.#perSecond = perSecond
    this.#most = Math.max(1, perSecond)
    this.#tokens = this.#most
    this.#countedAt = now
  }

  /** Takes one, or says in how many milliseconds there will be one. `now` in milliseconds on a clock that never jumps. */
  take(now: number): number {
    this.#tokens = Math.min(this.#most, this.#tokens + ((now - this.#countedAt) / 1000) * this.#perSecond)
    this.#countedAt = now
    if (this.#tokens < 1) return ((1 - this.#tokens) / this.#perSecond) * 1000
    this.#tokens--
    return 0
  }

  /** One that was taken in vain. */
  giveBack(): void {
    this.#tokens = Math.min(this.#most, this.#tokens + 1)
  }
}
