import type { Clock } from 'hookonce'
import { type FakeClock, flush } from '../fake-clock.js'

/** A process: its own clock readings, its own link to the store; it can die and be stopped. */
export class SimulatedProcess implements Clock {
  dead = false
  #paused = false
  #held: (() => unknown)[] = []

  constructor(
    readonly number: number,
    readonly clock: FakeClock,
    readonly skewMs: number,
  ) {}

  now(): number {
    return this.clock.now() + this.skewMs
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

  /** Runs the callback unless the process is dead; once it goes on if it is stopped. */
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
