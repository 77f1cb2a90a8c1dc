import type { AttemptWith } from '../engine/attempt.js'
import { inRange } from '../engine/timing.js'
import type { Delivery } from '../http/delivery.js'
import type { HandlerResponse } from '../http/response.js'
import { type ResolvedOptions, resolveOptions, SOURCE_RULES, type SourceSettings } from '../receiver/source-options.js'
import { aFunction, aNumber, listOf, methods, type Rules } from '../util/options.js'
import { withDefaults } from '../util/with-defaults.js'
import type { Breaker } from './circuit-breaker.js'
import { checkedDelays, DEFAULT_RETRY_DELAYS_MS } from './retry-schedule.js'

/**
 * Works on a delivery that was accepted before. What it returns is recorded as the result; nothing counts as 204. What
 * it throws, and a response that is not recordable (by default: not 2xx), is tried again later.
 *
 * @throws {NonRetriableError} to give the delivery up, {@link RetryAfterError} to say when to try again
 */
export type InboxHandler<Kind = never> = (
  delivery: Delivery,
  attempt: AttemptWith<Kind, HandlerResponse>,
) => MaybeResponse | Promise<MaybeResponse>

// biome-ignore lint/suspicious/noConfusingVoidType: what an async function without a return gives
export type MaybeResponse = HandlerResponse | undefined | void

/** What differs from sources that answer with the result: a dead delivery is kept until somebody had time to look. */
const DEFAULTS = { retentionMs: 7 * 86_400_000 }

/**
 * A source whose deliveries are acknowledged at once and worked on later. Sizes in bytes, durations in milliseconds.
 * `retentionMs` counts from completion or death, and is 7 days by default, or longer if the sender's retries take longer.
 */
export interface InboxSourceOptions<Kind = never> extends Omit<SourceSettings, 'waitMs'> {
  handler: InboxHandler<Kind>
  /** How many attempts of this source may run at once in this process. Default 10. */
  concurrency?: number
  /** How many attempts of this source may begin in a second in this process. Default: as many as it takes. */
  ratePerSecond?: number
  /** The pauses between attempts. Default {@link DEFAULT_RETRY_DELAYS_MS}: ten attempts over three days. */
  retryDelaysMs?: readonly number[]
  /** Names a group of deliveries that are worked on one at a time, in the order of acceptance. Default: no order. */
  group?: (delivery: Delivery) => string | null
  /** What is down together: shared by the sources whose handlers call the same target. Default: none. */
  breaker?: Breaker
  /** The status of the acknowledgement. Default 202, or what the source's sender takes for success. */
  acceptedStatus?: number
}

const { waitMs: _, ...RULES_THAT_APPLY } = SOURCE_RULES

export const INBOX_SOURCE_RULES: Rules = {
  ...RULES_THAT_APPLY,
  handler: aFunction,
  concurrency: aNumber,
  ratePerSecond: aNumber,
  retryDelaysMs: listOf('a list of pauses in milliseconds', aNumber),
  group: aFunction,
  breaker: methods('a Breaker', ['reserve', 'ended']),
  acceptedStatus: aNumber,
}

/** With every default in its place. */
export interface ResolvedInboxOptions<Kind> extends ResolvedOptions {
  handler: InboxHandler<Kind>
  concurrency: number
  ratePerSecond: number | undefined
  retryDelaysMs: readonly number[]
  group: (delivery: Delivery) => string | null
  breaker: Breaker | undefined
  acceptedStatus: number
}

/** @throws {ConfigurationError} */
export function resolveInboxOptions<Kind>(given: InboxSourceOptions<Kind>): ResolvedInboxOptions<Kind> {
  const options = given.sender === undefined ? withDefaults(DEFAULTS, given) : given
  const { handler, concurrency = 10, ratePerSecond, group = () => null, breaker } = options
  const { acceptedStatus = options.sender?.success?.[0] ?? 202 } = options
  inRange('concurrency', concurrency, 1, 100_000)
  inRange('acceptedStatus', acceptedStatus, 200, 299)
  if (ratePerSecond !== undefined) inRange('ratePerSecond', ratePerSecond, 0.001, 1_000_000)
  const retryDelaysMs = checkedDelays(options.retryDelaysMs ?? DEFAULT_RETRY_DELAYS_MS)
  const own = { handler, concurrency, ratePerSecond, retryDelaysMs, group, breaker, acceptedStatus }
  return { ...resolveOptions(options), ...own }
}
