import { isObserved, publish } from '../diagnostics.js'

/** Counts the requests that wait for attempts of others in this process, and limits them. */
export class WaitingRoom {
  readonly #most: number
  #waiting = 0

  constructor(most: number) {
    this.#most = most
  }

  /** Whether there was room. */
  enter(): boolean {
    if (this.#waiting >= this.#most) return false
    this.#changeBy(1)
    return true
  }

  leave(): void {
    this.#changeBy(-1)
  }

  #changeBy(count: 1 | -1): void {
    this.#waiting += count
    if (isObserved()) publish({ type: 'waiting_changed', waiting: this.#waiting })
  }
}
