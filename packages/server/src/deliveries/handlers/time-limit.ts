/** Aborts at the time limit, or when the attempt is lost. */
export class TimeLimit {
  readonly #controller = new AbortController()
  readonly #attempt: AbortSignal | undefined
  readonly #timer: NodeJS.Timeout
  readonly #abort = () => this.#controller.abort()
  reached = false

  constructor(ms: number, attempt?: AbortSignal) {
    this.#attempt = attempt
    this.#timer = setTimeout(() => {
      this.reached = true
      this.#abort()
    }, ms)
    if (attempt?.aborted) this.#abort()
    else attempt?.addEventListener('abort', this.#abort, { once: true })
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  leaveAttempt(): void {
    this.#attempt?.removeEventListener('abort', this.#abort)
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.leaveAttempt()
  }
}
