import { isObserved, publish } from '../diagnostics.js'
import type { Answer } from '../http/response.js'
import type { Clock } from '../util/clock.js'

/** What an answer is about: as far as it was read. */
export interface Answered {
  /** By `arrivedAt`. */
  since: number | undefined
  key?: string | null
  requestId?: string | null
}

/** Publishes the answers of a source. */
export const answersOf = (clock: Clock, scope: string) => ({
  /** Read only if activity has a subscriber. */
  arrivedAt: (): number | undefined => (isObserved() ? clock.monotonic() : undefined),

  /** Publishes the answer if the arrival time was read, and returns the answer. */
  publish(answer: Answer, { since, key = null, requestId = null }: Answered): Answer {
    if (since === undefined) return answer
    const { outcome, status, recordedAt } = answer
    // With a clock behind the store's, `recordedAt` is in the future.
    const ageMs = recordedAt === undefined ? null : Math.max(0, clock.now() - recordedAt)
    const durationMs = clock.monotonic() - since
    publish({ type: 'delivery_answered', scope, key, requestId, outcome, status, durationMs, ageMs })
    return answer
  },
})
