import { channel } from 'node:diagnostics_channel'

/** What an operator should hear of. Published on the `node:diagnostics_channel` named {@link EVENTS_CHANNEL}. */
export type HookonceEvent = { scope: string; key: string | null } & (
  | { type: 'handler_threw'; attempt: number; error: unknown }
  /** The lease is over, the lock TTL reached, or the record was deleted while the handler ran. */
  | { type: 'attempt_lost'; attempt: number; reason: LossReason }
  /** The store refused the attempt's result: another attempt owns the key, or it was deleted. */
  | { type: 'result_refused'; attempt: number }
  /** The result could not be brought to the store until the lock TTL; it is gone. */
  | { type: 'result_dropped'; attempt: number }
  /** A delivery could not be answered for a reason of the receiver's own, e.g. a record of an unknown version. */
  | { type: 'receiver_failed'; error: unknown }
  /** The handler took longer than the source's sender waits for an answer: it will deliver again. An inbox has time. */
  | { type: 'deadline_missed'; tookMs: number; deadlineMs: number }
  /** An accepted delivery is not attempted any more until a person says so. */
  | { type: 'delivery_died'; attempt: number; reason: string }
  | {
      type: 'store_failed'
      operation: 'accept' | 'claim' | 'renew' | 'complete' | 'fail' | 'commit' | 'get'
      error: unknown
    }
)

export type LossReason = 'lease' | 'lock_ttl' | 'deleted'

export const EVENTS_CHANNEL = 'hookonce'

const events = channel(EVENTS_CHANNEL)

export function publish(event: HookonceEvent): void {
  if (events.hasSubscribers) events.publish(event)
}
