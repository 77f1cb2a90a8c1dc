import type { HookonceEvent } from '../diagnostics.js'
import type { Store } from '../stores/store.js'
import type { Clock } from '../util/clock.js'
import { aFunction, aNumber, methods, type Rules } from '../util/options.js'
import { TIMING_RULES, type Timing } from './timing.js'

export interface IdempotencyOptions<S extends Store = Store> extends Partial<Timing> {
  store: S
  /** How many requests may wait at once in this process for attempts of others. Default 10,000. */
  maxWaiters?: number
  /** One store operation. Default 2 s, or a third of the lease if that is less; at most that third. */
  storeTimeoutMs?: number
  /** After so many attempts that ended without a word (crashes) a key is not run again. Default 10. */
  maxLosses?: number
  clock?: Clock
  /**
   * Called for events that concern an operator: a handler that threw, a store that failed. At once and in the middle of
   * the work: it must be quick; what it throws changes nothing. Default: warnings of the process (`HookonceWarning`),
   * unless somebody subscribes to `EVENTS_CHANNEL`.
   */
  onEvent?: (event: HookonceEvent) => void
}

export interface ProcessRequest {
  scope: string
  /** `null`: not deduplicated, the work runs every time. */
  key: string | null
  fingerprint: string | null
  /** The sender's unsigned name for the event, to search by; at most {@link MAX_KEY_BYTES} bytes. */
  label?: string | null
  timing: Timing
  /** The delivery's request id, for events. */
  requestId?: string | null
}

export const ENGINE_RULES: Rules = {
  ...TIMING_RULES,
  store: methods('a store, e.g. sqliteStore(path)', ['claim', 'renew', 'complete', 'fail', 'get']),
  maxWaiters: aNumber,
  storeTimeoutMs: aNumber,
  maxLosses: aNumber,
  clock: methods('a clock', ['now', 'monotonic', 'after']),
  onEvent: aFunction,
}
