import type { Clock } from '../util/clock.js'
import { flush } from './manual-clock.js'

/** A process: a clock of its own, and it can die and be paused. */
export class SimulatedProcess implements Clock {
  dead = false
  readonly #skewMs: number
  #paused = false
  #held: (() => unknown)[] = []

  /** @param skewMs how far its clock is ahead */
  constructor(
    readonly clock: Clock,
    skewMs = 0,
  ) {
    this.#skewMs = skewMs
  }

  now(): number {
    return this.clock.now() + this.#skewMs
  }

  monotonic(): number {
    return this.clock.monotonic()
  }

  after(ms: number, callback: () => void): () => void {
    let cancelled = false
    const cancel = this.clock.after(ms, () => this.deliver(() => cancelled || callback()))
    return () => {
      cancelled = true
      cancel()
    }
  }

  /** Runs the callback unless the process is dead; once it goes on if it is paused. */
  deliver(callback: () => unknown): void {
    if (this.dead) return
    if (this.#paused) this.#held.push(callback)
    else callback()
  }

  get running(): boolean {
    return !this.dead && !this.#paused
  }

  pause(): void {
    this.#paused = true
  }

  async resume(): Promise<void> {
    this.#paused = false
    for (const callback of this.#held.splice(0)) {
      this.deliver(callback)
      await flush()
    }
  }
}
