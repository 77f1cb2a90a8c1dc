/** Counts the deliveries in progress; closed, it lets no new one in. */
export class Gate {
  #inProgress = 0
  #closed = false
  #idle: (() => void) | undefined

  get closed(): boolean {
    return this.#closed
  }

  enter(): void {
    this.#inProgress++
  }

  leave(): void {
    this.#inProgress--
    if (this.#inProgress === 0) this.#idle?.()
  }

  /** Resolves when the last delivery in progress is answered. */
  close(): Promise<void> {
    this.#closed = true
    return new Promise(resolve => {
      if (this.#inProgress === 0) resolve()
      else this.#idle = resolve
    })
  }
}
