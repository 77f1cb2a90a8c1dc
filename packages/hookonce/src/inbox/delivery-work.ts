import { withCommit } from '../engine/attempt.js'
import type { EndWithoutResult } from '../engine/attempt-end.js'
import { mapCommit, type Settlement } from '../engine/commit.js'
import type { Engine } from '../engine/engine.js'
import type { Quota } from '../engine/quota.js'
import type { Delivery } from '../http/delivery.js'
import { decodeDelivery } from '../http/delivery-codec.js'
import { responseFailure } from '../http/failure.js'
import { checkedResponse, discard, type HandlerResponse, replayable } from '../http/response.js'
import { encodeResponse } from '../http/response-codec.js'
import type { DueClaim, FailNext } from '../stores/inbox-store.js'
import { RateLimit, type Slots } from './concurrency.js'
import type { Queue } from './queue.js'
import { nextTry } from './retry-schedule.js'
import type { MaybeResponse, ResolvedInboxOptions } from './source-options.js'
import { targetAfter } from './target-state.js'
import type { Worker } from './worker.js'

/** Attempts what a source accepted: calls its handler within its limits, and says what follows a failure. */
export function workOn<Kind>(
  engine: Engine,
  queue: Queue,
  quota: Quota,
  slots: Slots,
  name: string,
  options: ResolvedInboxOptions<Kind>,
): Worker<HandlerResponse> {
  const { handler, breaker, concurrency, ratePerSecond, retryDelaysMs, timing, recordable, maxResponseBytes } = options
  const { clock, report } = engine.context
  const rate = ratePerSecond === undefined ? undefined : new RateLimit(clock, ratePerSecond)
  const wake = () => worker.wake()
  breaker?.onRoom(wake)

  /** Room by every limit: what one grants and another does not is given back. */
  function reserve(most: number): number {
    const bySlots = slots.reserve(name, most, wake)
    const byRate = rate?.reserve(bySlots, wake) ?? bySlots
    const room = breaker?.reserve(byRate) ?? byRate
    if (room < byRate) rate?.release(byRate - room)
    if (room < bySlots) slots.release(bySlots - room)
    return room
  }

  function release(count: number): void {
    breaker?.release()
    rate?.release(count)
    slots.release(count)
  }

  /** Nobody waits for the response but the record. */
  function settle(given: MaybeResponse, delivery: Delivery): Settlement<HandlerResponse> {
    const response = checkedResponse(given ?? { status: 204, headers: [], body: new Uint8Array() })
    discard(response)
    if (!recordable(response)) {
      return { value: response, failure: responseFailure(response, delivery, maxResponseBytes) }
    }
    const result = encodeResponse(replayable(response, maxResponseBytes))
    quota.grew(result.byteLength)
    return { value: response, result }
  }

  function next(due: DueClaim, end: EndWithoutResult<HandlerResponse>, requestId: string | null): FailNext {
    const tries = due.attempt - due.accepted.earlierAttempts
    const unsettled =
      end.end === 'threw' ? { error: end.error } : end.end === 'given_back' ? { response: end.value } : 'unreachable'
    const following = nextTry(tries, retryDelaysMs, unsettled)
    if (following === 'dead') {
      const reason = tries > retryDelaysMs.length ? 'its attempts are used up' : 'it was given up'
      const { scope, key, attempt } = due
      report({ type: 'delivery_died', scope, key, requestId, attempt, reason })
    }
    return following
  }

  const worker = queue.work<HandlerResponse>({
    scope: name,
    concurrency,
    timing,
    reserve,
    release,
    next,
    async run(due, attempt, commit) {
      const delivery = await decodeDelivery(due.delivery)
      attempt.requestId = delivery.requestId
      const settled = (response: MaybeResponse) => settle(response, delivery)
      const own = commit && mapCommit<HandlerResponse, Settlement<HandlerResponse>>(commit, settled)
      return settled(await handler(delivery, withCommit<Kind, HandlerResponse>(attempt, own)))
    },
    ended: (_, end) => breaker?.ended(targetAfter(end)),
    settled: () => slots.release(1),
  })
  return worker
}
