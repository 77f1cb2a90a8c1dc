import { ConfigurationError, NonRetriableError, RetryAfterError } from '../errors.js'
import type { HandlerResponse } from '../http/response.js'
import type { FailNext } from '../stores/inbox-store.js'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

/**
 * The pauses between attempts, in milliseconds: ten attempts over three days, as Standard Webhooks suggests to senders
 * (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
 */
export const DEFAULT_RETRY_DELAYS_MS: readonly number[] = [
  5_000,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
]

/** How an attempt ended that had no result to record. */
export type Unsettled = { error: unknown } | { response: HandlerResponse } | 'unreachable'

/** @throws {ConfigurationError} */
export function checkedDelays(delaysMs: readonly number[]): readonly number[] {
  if (delaysMs.every(ms => ms >= 0 && ms < 2 ** 31)) return delaysMs
  throw new ConfigurationError('retryDelaysMs must be pauses from 0 to 2147483647 ms')
}

/**
 * What is to come after try number `tries` of a round: the pause of that number, up to a fifth longer so that what
 * failed together does not come back together, or longer still if the handler or the application behind it asks.
 * Nothing more when the pauses are used up, when the handler says so, or the application answers 410.
 */
export function nextTry(tries: number, delaysMs: readonly number[], unsettled: Unsettled): FailNext {
  const delay = delaysMs[tries - 1]
  if (delay === undefined || isFinal(unsettled)) return 'dead'
  return { dueInMs: Math.round(Math.max(delay * (1 + Math.random() / 5), askedPauseMs(unsettled))) }
}

/** 410: gone, and it will not come back (RFC 9110 §15.5.11; Standard Webhooks: stop sending). */
function isFinal(unsettled: Unsettled): boolean {
  if (unsettled === 'unreachable') return false
  return 'error' in unsettled ? unsettled.error instanceof NonRetriableError : unsettled.response.status === 410
}

function askedPauseMs(unsettled: Unsettled): number {
  if (unsettled === 'unreachable') return 0
  if ('error' in unsettled) return unsettled.error instanceof RetryAfterError ? unsettled.error.retryAfterMs : 0
  const value = unsettled.response.headers.find(([name]) => name === 'retry-after')?.[1]
  return value === undefined ? 0 : retryAfterMs(value)
}

/** Seconds or a date (RFC 9110 §10.2.3), at most a day: nobody else's clock stops the work for longer. */
function retryAfterMs(value: string): number {
  const ms = /^\d{1,9}$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - Date.now()
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(0, ms), 24 * HOUR)
}
