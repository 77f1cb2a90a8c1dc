import { monitorEventLoopDelay } from 'node:perf_hooks'

/** How late the event loop is. */
export class EventLoopDelay {
  readonly #resolution: number
  readonly #delays

  /** @param resolution in milliseconds: shorter delays are not seen, and each costs a wake-up */
  constructor(resolution: number) {
    this.#resolution = resolution
    this.#delays = monitorEventLoopDelay({ resolution })
    this.#delays.enable()
  }

  /** The longest delay since the last call, in milliseconds. */
  longest(): number {
    const lateMs = this.#delays.max / 1e6 - this.#resolution
    this.#delays.reset()
    return Math.max(0, Number(lateMs.toFixed(1)))
  }
}
