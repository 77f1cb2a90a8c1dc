import { isObserved, publish } from '../diagnostics.js'
import type { Answer } from '../http/response.js'
import type { Clock } from '../util/clock.js'

/** When a delivery arrived; read only while somebody subscribes to activity. */
export const arrivalTime = (clock: Clock): number | undefined => (isObserved() ? clock.monotonic() : undefined)

/** Publishes the answer of a delivery whose arrival time was read, and returns it. */
export function publishAnswer(clock: Clock, scope: string, since: number | undefined, answer: Answer): Answer {
  if (since === undefined) return answer
  const { outcome, status, recordedAt } = answer
  // Whose clock is behind the store's sees what was recorded after now.
  const ageMs = recordedAt === undefined ? null : Math.max(0, clock.now() - recordedAt)
  publish({ type: 'delivery_answered', scope, outcome, status, durationMs: clock.monotonic() - since, ageMs })
  return answer
}
