import type { Clock } from '../util/clock.js'

/** After so many attempts in a row that did not reach the target it is taken for down. */
const FAILURES = 5
const FIRST_PAUSE_MS = 1_000
const LAST_PAUSE_MS = 60_000

/** `half_open`: the pause is over, and the next attempt, or the one that runs, shows whether the target is back. */
export interface BreakerState {
  state: 'closed' | 'open' | 'half_open'
  /** Since when the target is taken for down, in ms since the epoch; `null`: it is not. */
  since: number | null
}

/**
 * A circuit breaker: while a target is down it is probed by one attempt at a time, after pauses that grow to a minute,
 * so that an application which comes back is not overrun and its absence uses up nobody's attempts.
 */
export class Breaker {
  readonly #clock: Clock
  readonly #onRoom = new Set<() => void>()
  #failures = 0
  #pauseMs = FIRST_PAUSE_MS
  #openUntil = 0
  #downSince = 0
  #probing = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get state(): BreakerState {
    if (this.#failures < FAILURES) return { state: 'closed', since: null }
    const isOpen = !this.#probing && this.#clock.monotonic() < this.#openUntil
    return { state: isOpen ? 'open' : 'half_open', since: this.#downSince }
  }

  /** `wake` is called when there is room again after there was none. */
  onRoom(wake: () => void): void {
    this.#onRoom.add(wake)
  }

  /** Reserves at most so many attempts. */
  reserve(most: number): number {
    if (this.#failures < FAILURES) return most
    if (this.#probing || this.#clock.monotonic() < this.#openUntil) return 0
    this.#probing = true
    return 1
  }

  release(): void {
    this.#probing = false
  }

  /** What an attempt showed of the target; `unknown` changes nothing, so that one bad delivery keeps no other waiting. */
  ended(target: 'there' | 'absent' | 'unknown'): void {
    this.#probing = false
    const wasDown = this.#failures >= FAILURES
    if (target === 'there') {
      this.#failures = 0
      this.#pauseMs = FIRST_PAUSE_MS
    }
    if (target !== 'absent') {
      if (wasDown) this.#wake()
      return
    }
    if (++this.#failures < FAILURES) return
    if (!wasDown) this.#downSince = this.#clock.now()
    this.#openUntil = this.#clock.monotonic() + this.#pauseMs
    this.#clock.after(this.#pauseMs, () => this.#wake())
    this.#pauseMs = Math.min(2 * this.#pauseMs, LAST_PAUSE_MS)
  }

  #wake(): void {
    for (const wake of this.#onRoom) wake()
  }
}
