/** A call that a process waits for: it is performed, then its answer arrives, or is lost. */
export class Call {
  readonly answer: Promise<unknown>
  isPerformed = false
  readonly #perform: () => unknown
  readonly #failure: (text: string, isLost: boolean) => Error
  #resolve!: (value: unknown) => void
  #reject!: (error: unknown) => void
  #giveAnswer: () => void = () => {}

  /** @param run the run of the handler that waits for it */
  constructor(
    readonly name: string,
    readonly run: object | undefined,
    perform: () => unknown,
    failure: (text: string, isLost: boolean) => Error,
  ) {
    this.#perform = perform
    this.#failure = failure
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // Nobody waits for the answer any more if its process has crashed.
    this.answer.catch(() => {})
  }

  async perform(): Promise<void> {
    this.isPerformed = true
    try {
      const value = await this.#perform()
      this.#giveAnswer = () => this.#resolve(value)
    } catch (error) {
      this.#giveAnswer = () => this.#reject(error)
    }
  }

  giveAnswer(): void {
    this.#giveAnswer()
  }

  break(isLost: boolean): void {
    const text = isLost ? `${this.name}: no answer` : `${this.name}: not reached`
    this.#reject(this.#failure(text, isLost))
  }
}
