import type { Clock } from './clock.js'
import { type AttemptEndKind, measured, tell } from './diagnostics.js'

/** Tells of one attempt from its start on. */
export class AttemptMeter {
  readonly #clock: Clock
  readonly #scope: string
  readonly #key: string | null
  readonly #attempt: number
  readonly #startedAt: number
  #over = false

  constructor(clock: Clock, scope: string, key: string | null, attempt: number, startedAt: number) {
    this.#clock = clock
    this.#scope = scope
    this.#key = key
    this.#attempt = attempt
    this.#startedAt = startedAt
    tell({ type: 'attempt_started', scope, key, attempt })
  }

  /** Returns the time. */
  handlerEnded(threw: boolean): number {
    const now = this.#clock.monotonic()
    const durationMs = now - this.#startedAt
    tell({ type: 'handler_ended', scope: this.#scope, key: this.#key, attempt: this.#attempt, durationMs, threw })
    return now
  }

  /** Only the first end counts. */
  ended(end: AttemptEndKind, now = this.#clock.monotonic()): void {
    if (this.#over) return
    this.#over = true
    const durationMs = now - this.#startedAt
    tell({ type: 'attempt_ended', scope: this.#scope, key: this.#key, attempt: this.#attempt, durationMs, end })
  }

  renewed(): void {
    if (this.#key !== null) {
      tell({ type: 'lease_renewed', scope: this.#scope, key: this.#key, attempt: this.#attempt })
    }
  }
}

/** `undefined` while nobody listens: then it costs nothing. */
export const meterAttempt = (clock: Clock, scope: string, key: string | null, attempt: number, startedAt: number) =>
  measured() ? new AttemptMeter(clock, scope, key, attempt, startedAt) : undefined
