const CHECK_INTERVAL_MS = 100

/** Measures the lag of the event loop by how late a timer fires. */
export class EventLoopLag {
  readonly #maxDelayMs: number
  #dueAt = performance.now() + CHECK_INTERVAL_MS
  #wasLate = false
  #isBehind = false

  /** @param maxDelayMs 0: no limit */
  constructor(maxDelayMs: number) {
    this.#maxDelayMs = maxDelayMs
    if (maxDelayMs > 0) setInterval(() => this.#check(performance.now()), CHECK_INTERVAL_MS).unref()
  }

  /** Late twice in a row: a single delay is a short burst, or a process that was suspended. */
  get isBehind(): boolean {
    return this.#isBehind
  }

  #check(now: number): void {
    const late = now - this.#dueAt > this.#maxDelayMs
    this.#isBehind = late && this.#wasLate
    this.#wasLate = late
    this.#dueAt = now + CHECK_INTERVAL_MS
  }
}
