import { measured, tell } from '../diagnostics.js'
import type { Answer } from '../http/response.js'
import type { Clock } from '../util/clock.js'

/** When a delivery came, if somebody listens to what becomes of it. */
export const cameAt = (clock: Clock): number | undefined => (measured() ? clock.monotonic() : undefined)

/** Tells what was answered, if somebody listened when the delivery came. Gives the answer back. */
export function told(clock: Clock, scope: string, since: number | undefined, answer: Answer): Answer {
  if (since === undefined) return answer
  const { outcome, status, recordedAt } = answer
  // Whose clock is behind the store's sees what was recorded after now.
  const ageMs = recordedAt === undefined ? null : Math.max(0, clock.now() - recordedAt)
  tell({ type: 'delivery_answered', scope, outcome, status, durationMs: clock.monotonic() - since, ageMs })
  return answer
}
