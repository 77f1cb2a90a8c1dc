import { type Failure, toFailure } from '../database/errors.js'
import { type Answer, type AnswerMessage, pack } from '../messages.js'

/** What has been answered and not yet been sent. */
export class Reply {
  readonly #path: string
  #answers: Answer[] = []
  #failures: [id: number, failure: Failure][] = []
  #results: Uint8Array[] = []

  constructor(path: string) {
    this.#path = path
  }

  /** A result travels in the message's bytes, its length in its place. */
  answer(id: number, outcome: readonly unknown[]): void {
    const answer: Answer = [id]
    for (const part of outcome) {
      if (part instanceof Uint8Array) {
        this.#results.push(part)
        answer.push(part.byteLength)
      } else answer.push(part)
    }
    this.#answers.push(answer)
  }

  fail(id: number, error: unknown): void {
    this.#failures.push([id, toFailure(error, this.#path)])
  }

  /** An empty one, for answers that hold only if their transaction commits. */
  draft(): Reply {
    return new Reply(this.#path)
  }

  add(draft: Reply): void {
    this.#answers.push(...draft.#answers)
    this.#failures.push(...draft.#failures)
    this.#results.push(...draft.#results)
  }

  /** Gives the message to send and starts over; `undefined` when there is nothing to say. */
  take(): AnswerMessage | undefined {
    if (this.#answers.length === 0 && this.#failures.length === 0) return undefined
    const message = { answers: this.#answers, failures: this.#failures, bytes: pack(this.#results) }
    this.#answers = []
    this.#failures = []
    this.#results = []
    return message
  }
}
