import { setImmediate } from 'node:timers/promises'

/** Work that goes on whether or not somebody watches it. */
export class LiveRun<State extends object> {
  /** Resolves at its end; never rejects. */
  readonly ended: Promise<State>
  #state: State
  #error: string | undefined
  #isOver = false
  #wake = () => {}
  #change = this.#nextChange()

  constructor(initial: State, work: (tell: (change: Partial<State>) => void) => Promise<unknown>) {
    this.#state = initial
    this.ended = this.#run(work)
  }

  /** Its state now and whenever it changes; what changes at once is one line. */
  async *lines(): AsyncGenerator<State & { done: boolean; error?: string }> {
    for (;;) {
      const change = this.#change
      const done = this.#isOver
      yield { ...this.#state, done, ...(this.#error !== undefined && { error: this.#error }) }
      if (done) return
      await change
      await setImmediate()
    }
  }

  async #run(work: (tell: (change: Partial<State>) => void) => Promise<unknown>): Promise<State> {
    try {
      await work(change => this.#tell(change))
    } catch (error) {
      this.#error = error instanceof Error ? error.message : String(error)
    }
    this.#isOver = true
    this.#tell({})
    return this.#state
  }

  #tell(change: Partial<State>): void {
    this.#state = { ...this.#state, ...change }
    const wake = this.#wake
    this.#change = this.#nextChange()
    wake()
  }

  #nextChange(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve
    })
  }
}

/** Resolves with the work, or after this time. */
export function within(ms: number, work: Promise<unknown>): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, ms)
    const end = () => {
      clearTimeout(timer)
      resolve()
    }
    work.then(end, end)
  })
}
