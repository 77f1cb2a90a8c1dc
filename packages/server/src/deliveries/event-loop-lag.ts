const LOOK_EVERY_MS = 100

/** Notices when this process falls behind: timers fire late, and so does everything else. */
export class EventLoopWatch {
  readonly #maxDelayMs: number
  #dueAt = performance.now() + LOOK_EVERY_MS
  #wasLate = false
  #isBehind = false

  /** @param maxDelayMs 0: never behind */
  constructor(maxDelayMs: number) {
    this.#maxDelayMs = maxDelayMs
    if (maxDelayMs > 0) setInterval(() => this.#look(performance.now()), LOOK_EVERY_MS).unref()
  }

  /** Late twice in a row: once is a burst that is over by then, or a process that was stopped. */
  get isBehind(): boolean {
    return this.#isBehind
  }

  #look(now: number): void {
    const late = now - this.#dueAt > this.#maxDelayMs
    this.#isBehind = late && this.#wasLate
    this.#wasLate = late
    this.#dueAt = now + LOOK_EVERY_MS
  }
}
