import { type AttemptEndKind, isObserved, publish } from '../diagnostics.js'
import type { Clock } from '../util/clock.js'

/** Publishes the activity of one attempt. Its end is one event: each event costs a quick delivery one percent. */
export class AttemptMeter {
  readonly #clock: Clock
  readonly #scope: string
  readonly #key: string | null
  readonly #attempt: number
  readonly #startedAt: number
  #handlerMs: number | null = null
  #over = false

  constructor(clock: Clock, scope: string, key: string | null, attempt: number, startedAt: number) {
    this.#clock = clock
    this.#scope = scope
    this.#key = key
    this.#attempt = attempt
    this.#startedAt = startedAt
  }

  /** Returns the time. */
  handlerEnded(): number {
    const now = this.#clock.monotonic()
    const handlerMs = now - this.#startedAt
    this.#handlerMs = handlerMs
    if (this.#over) {
      publish({ type: 'late_handler_ended', scope: this.#scope, key: this.#key, attempt: this.#attempt, handlerMs })
    }
    return now
  }

  /** Only the first end counts. */
  ended(end: AttemptEndKind, now = this.#clock.monotonic()): void {
    if (this.#over) return
    this.#over = true
    publish({
      type: 'attempt_ended',
      scope: this.#scope,
      key: this.#key,
      attempt: this.#attempt,
      durationMs: now - this.#startedAt,
      handlerMs: this.#handlerMs,
      end,
    })
  }

  renewed(): void {
    if (this.#key !== null) {
      publish({ type: 'lease_renewed', scope: this.#scope, key: this.#key, attempt: this.#attempt })
    }
  }
}

/** `undefined` while nobody listens: then it costs nothing. */
export const meterAttempt = (clock: Clock, scope: string, key: string | null, attempt: number, startedAt: number) =>
  isObserved() ? new AttemptMeter(clock, scope, key, attempt, startedAt) : undefined
