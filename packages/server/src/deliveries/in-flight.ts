/** A herd is at least this many deliveries at once. */
const HERD = 1_000

/** Counts the deliveries in progress. When it is closed, no new one begins. */
export class Gate {
  readonly #herdPassed: () => void
  #inProgress = 0
  #most = 0
  #closed = false
  #idle: (() => void) | undefined

  /** @param herdPassed called when a tenth of a herd is left */
  constructor(herdPassed: () => void) {
    this.#herdPassed = herdPassed
  }

  get closed(): boolean {
    return this.#closed
  }

  get inProgress(): number {
    return this.#inProgress
  }

  enter(): void {
    this.#inProgress++
    if (this.#inProgress > this.#most) this.#most = this.#inProgress
  }

  leave(): void {
    this.#inProgress--
    if (this.#most >= HERD && this.#inProgress <= this.#most / 10) {
      this.#most = 0
      this.#herdPassed()
    }
    if (this.#inProgress === 0) this.#idle?.()
  }

  /** Resolves when the last delivery in progress is answered. */
  close(): Promise<void> {
    this.#closed = true
    return new Promise(resolve => {
      if (this.#inProgress === 0) resolve()
      else this.#idle = resolve
    })
  }
}
