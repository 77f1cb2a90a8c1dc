import { setTimeout as delay } from 'node:timers/promises'
import { Failure, failureOfStatement } from './errors.js'

const FIRST_PAUSE_MS = 10
const LONGEST_PAUSE_MS = 200
/** Longer than the lock timeout of a statement: a shorter try could be cut off, and its effect would be unknown. */
const LEAST_TRY_MS = 250

/** When an operation may be tried again: always, or only if it certainly had no effect. */
export type Repeatable = 'always' | 'if refused'

/**
 * Tries until success, an error that is not transient, or the deadline. Once a try may have had its effect the failure
 * stays `unknown`, whatever the errors of later tries.
 * @throws Failure
 */
export async function retry<T>(by: number, repeatable: Repeatable, work: (attempt: number) => Promise<T>): Promise<T> {
  let isUnknown = false
  for (let attempt = 1, pauseMs = FIRST_PAUSE_MS; ; attempt++, pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      return await work(attempt)
    } catch (error) {
      const failure = failureOfStatement(error)
      isUnknown ||= failure.effect === 'unknown'
      const mayRepeat = failure.isTransient && (repeatable === 'always' || !isUnknown)
      const pause = pauseMs * (0.5 + Math.random() / 2)
      if (mayRepeat && performance.now() + pause + LEAST_TRY_MS < by) {
        await delay(pause)
        continue
      }
      throw isUnknown && failure.effect === 'refused' ? new Failure(failure.cause, 'unknown', false) : failure
    }
  }
}

/**
 * Decides by a key's row. `decide` returns `undefined` if the row changed before it could write; then `read` reads the row
 * again. `first` is the row if it was read before.
 * @throws Failure at the deadline
 */
export async function decideByRow<Row, Outcome>(
  operations: string,
  by: number,
  first: Row | undefined,
  read: () => Promise<Row | undefined>,
  decide: (row: Row) => Outcome | undefined | Promise<Outcome | undefined>,
): Promise<Outcome> {
  for (let row = first; ; row = await read()) {
    const outcome = row && (await decide(row))
    if (outcome !== undefined) return outcome
    if (performance.now() >= by) throw new Failure(new Error(`too many ${operations} of one key`), 'refused', false)
  }
}
