import { channel } from 'node:diagnostics_channel'

/** What an operator should hear of. Published on the `node:diagnostics_channel` named {@link EVENTS_CHANNEL}. */
export type HookonceEvent = About &
  (
    | (Partial<OfAttempt> & { type: 'handler_threw'; attempt: number; error: unknown })
    /** The handler answered what is not recorded (by default: no 2xx): the key was given back for a retry. */
    | (OfAttempt & { type: 'attempt_given_back'; reason: string })
    /** The attempt took the key from one that ended without a word: its process died, or stood still for a lease. */
    | (OfAttempt & { type: 'attempt_taken_over' })
    /** The lease is over, the lock TTL reached, or the record was deleted while the handler ran. */
    | (OfAttempt & { type: 'attempt_lost'; reason: LossReason })
    /** The store refused the attempt's result: another attempt owns the key, or it was deleted. */
    | (OfAttempt & { type: 'result_refused' })
    /** The result could not be brought to the store until the lock TTL; it is gone. */
    | (OfAttempt & { type: 'result_dropped' })
    /**
     * A delivery could not be answered, or not to the end, for a reason that is neither the store's nor in the handler's
     * attempt: its body was read before, a record is of an unknown version, an answer broke off.
     */
    | { type: 'receiver_failed'; error: unknown }
    /** So many attempts ended without a word (crashes) that the key is not run again until its record is deleted. */
    | { type: 'attempts_exhausted'; losses: number }
    /** The handler took longer than the source's sender waits for an answer: it will deliver again. An inbox has time. */
    | { type: 'deadline_missed'; attempt: number; tookMs: number; deadlineMs: number }
    /** The source keeps as much as `limit` allows, so that what is new is refused; or, not `full`, it has room again. */
    | { type: 'source_full'; full: boolean; limit: 'maxRecords' | 'maxStoredBytes'; most: number }
    /** An accepted delivery is not attempted any more until a person says so. */
    | { type: 'delivery_died'; attempt: number; reason: string }
    | (Partial<OfAttempt> & {
        type: 'store_failed'
        operation: 'accept' | 'claim' | 'renew' | 'complete' | 'fail' | 'commit' | 'get' | 'usage'
        error: unknown
      })
  )

/** What an event is about. `requestId`: the delivery's; `null` where it is about none in particular, or that has none. */
interface About {
  scope: string
  key: string | null
  requestId: string | null
}

/** `durationMs`: for how long the attempt held the key, or had run, when it happened. */
interface OfAttempt {
  attempt: number
  durationMs: number
}

export type LossReason = 'lease' | 'lock_ttl' | 'deleted'

/**
 * What happens all the time, to be counted and measured. Published on the `node:diagnostics_channel` named
 * {@link ACTIVITY_CHANNEL}; durations are in milliseconds. While nobody subscribes no event is made and no clock is read.
 */
export type HookonceActivity =
  | {
      type: 'delivery_answered'
      scope: string
      /** `null`: it has none, or was refused before it was read. */
      key: string | null
      requestId: string | null
      outcome: DeliveryOutcome
      status: number
      durationMs: number
      /** Of a replay: how long ago what is replayed was recorded, or the delivery accepted. `null`: no replay. */
      ageMs: number | null
    }
  /** It is known what became of the attempt; `handlerMs` is `null` while its handler, which lost it, still works. */
  | {
      type: 'attempt_ended'
      scope: string
      key: string | null
      attempt: number
      durationMs: number
      handlerMs: number | null
      end: AttemptEndKind
    }
  /** The handler of an attempt that had ended before has settled. */
  | { type: 'late_handler_ended'; scope: string; key: string | null; attempt: number; handlerMs: number }
  | { type: 'lease_renewed'; scope: string; key: string; attempt: number }
  /** How many duplicates wait in this receiver, whenever that changes. */
  | { type: 'waiting_changed'; waiting: number }
  /** The store answered, or failed to: `durationMs` from the question, `failed` if it rejected or was too slow. */
  | { type: 'store_asked'; operation: StoreOperation; durationMs: number; failed: boolean }

/** How a delivery ended; the word used in logs and metrics. */
export type DeliveryOutcome =
  | 'executed' // the handler ran and its result is recorded (or there was no key)
  | 'accepted' // stored with its record, to be worked on later
  | 'replayed'
  | 'joined'
  | 'in_progress'
  | 'mismatch'
  | 'invalid'
  | 'unauthorized'
  | 'handshake' // the sender asked whether this is the right place
  | 'unavailable'
  | 'full' // its source keeps as much as it may
  | 'failed'
  | 'lost'

/**
 * `recorded`, its result stands (without a key: it came to one); `given_back`, not recordable; `threw`; `lost`, its lease
 * is over; `fenced`, its result was refused; `unreachable`, the store was, when it ended.
 */
export type AttemptEndKind = 'recorded' | 'given_back' | 'threw' | 'lost' | 'fenced' | 'unreachable'

export type StoreOperation =
  | 'accept'
  | 'claim'
  | 'claim_due'
  | 'renew'
  | 'complete'
  | 'fail'
  | 'commit'
  | 'get'
  | 'list'
  | 'delete'
  | 'redrive'
  | 'usage'
  | 'ready'

export const EVENTS_CHANNEL = 'hookonce'

export const ACTIVITY_CHANNEL = 'hookonce:activity'

const activity = channel(ACTIVITY_CHANNEL)

/** Asked before an event of the activity channel is made or a clock is read for it. */
export const isObserved = (): boolean => activity.hasSubscribers

export function publish(event: HookonceActivity): void {
  activity.publish(event)
}
