import { setTimeout as delay } from 'node:timers/promises'
import { Failure, failureOfStatement } from './errors.js'

const FIRST_PAUSE_MS = 10
const LONGEST_PAUSE_MS = 200
/** More than a lock is waited for: a try that is cut off would leave its outcome unknown. */
const LEAST_TRY_MS = 250

/** What may be asked again: everything, or only what certainly was not done. */
export type Repeatable = 'always' | 'if refused'

/**
 * Asks until there is an answer, another try cannot help, or the deadline. Once a try may have had its effect the
 * failure stays `unknown`, whatever became of later ones.
 * @throws Failure
 */
export async function persist<T>(by: number, repeatable: Repeatable, ask: (attempt: number) => Promise<T>): Promise<T> {
  let isUnknown = false
  for (let attempt = 1, pauseMs = FIRST_PAUSE_MS; ; attempt++, pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      return await ask(attempt)
    } catch (error) {
      const failure = failureOfStatement(error)
      isUnknown ||= failure.effect === 'unknown'
      const mayRepeat = failure.passes && (repeatable === 'always' || !isUnknown)
      const pause = pauseMs * (0.5 + Math.random() / 2)
      if (mayRepeat && performance.now() + pause + LEAST_TRY_MS < by) {
        await delay(pause)
        continue
      }
      throw isUnknown && failure.effect === 'refused' ? new Failure(failure.cause, 'unknown', false) : failure
    }
  }
}
