import { isObserved, publish } from '../diagnostics.js'
import type { Answer } from '../http/response.js'
import type { Clock } from '../util/clock.js'

/** When a delivery arrived. Read only if activity has a subscriber. */
export const arrivalTime = (clock: Clock): number | undefined => (isObserved() ? clock.monotonic() : undefined)

/** Publishes the answer if the arrival time was read, and returns the answer. */
export function publishAnswer(clock: Clock, scope: string, since: number | undefined, answer: Answer): Answer {
  if (since === undefined) return answer
  const { outcome, status, recordedAt } = answer
  // With a clock behind the store's, `recordedAt` is in the future.
  const ageMs = recordedAt === undefined ? null : Math.max(0, clock.now() - recordedAt)
  publish({ type: 'delivery_answered', scope, outcome, status, durationMs: clock.monotonic() - since, ageMs })
  return answer
}
