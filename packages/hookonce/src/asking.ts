import type { Clock } from './clock.js'
import { measured, type StoreOperation, tell } from './diagnostics.js'
import { StoreError } from './errors.js'
import type { TimeLimits } from './time-limits.js'

export interface Asking {
  clock: Clock
  limits: TimeLimits
  storeTimeoutMs: number
}

/**
 * Puts a question to the store and calls one of the two, once; no answer within the time limit counts as "unknown".
 * Callbacks, for every delivery comes by here twice: a promise and what hangs on it cost half a microsecond.
 */
export function ask<T>(
  { clock, limits, storeTimeoutMs }: Asking,
  operation: StoreOperation,
  question: () => Promise<T>,
  answered: (answer: T) => void,
  failed: (error: unknown) => void,
): void {
  let waiting = true
  const askedAt = measured() ? clock.monotonic() : undefined
  const lift = limits.start(storeTimeoutMs, () => {
    waiting = false
    if (askedAt !== undefined) tellAsked(clock, operation, askedAt, true)
    failed(new StoreError(`the store did not answer within ${storeTimeoutMs} ms`, 'unknown'))
  })
  question().then(
    answer => {
      if (!waiting) return
      lift()
      if (askedAt !== undefined) tellAsked(clock, operation, askedAt, false)
      answered(answer)
    },
    error => {
      if (!waiting) return
      lift()
      if (askedAt !== undefined) tellAsked(clock, operation, askedAt, true)
      failed(error)
    },
  )
}

export function tellAsked(clock: Clock, operation: StoreOperation, askedAt: number, failed: boolean): void {
  tell({ type: 'store_asked', operation, durationMs: clock.monotonic() - askedAt, failed })
}

/** {@link ask} as a promise. */
export const asked = <T>(asking: Asking, operation: StoreOperation, question: () => Promise<T>): Promise<T> =>
  new Promise<T>((resolve, reject) => ask(asking, operation, question, resolve, reject))

/** Whether the store said that nothing was written. Whatever it did not say counts as unknown. */
export const wasRefused = (error: unknown): boolean => error instanceof StoreError && error.effect === 'refused'

export const pause = (clock: Clock, ms: number): Promise<void> => new Promise(resolve => void clock.after(ms, resolve))

/** Shortened by up to half at random, so that processes spread out. */
export const jittered = (ms: number): number => ms * (0.5 + Math.random() / 2)

export interface Insisting extends Asking {
  /** On the monotonic clock. */
  giveUpAt: number
  failed(error: unknown): void
}

export const FIRST_RETRY_MS = 50
const LAST_RETRY_MS = 2_000

/** Asks again, with growing pauses, until the store answers; `undefined`: it had not by `giveUpAt`. */
export async function insist<T>(
  insisting: Insisting,
  operation: StoreOperation,
  question: () => Promise<T>,
): Promise<T | undefined> {
  const { clock, giveUpAt, failed } = insisting
  for (let retryMs = FIRST_RETRY_MS; ; retryMs = Math.min(2 * retryMs, LAST_RETRY_MS)) {
    try {
      return await asked(insisting, operation, question)
    } catch (error) {
      failed(error)
    }
    const delay = jittered(retryMs)
    if (clock.monotonic() + delay >= giveUpAt) return undefined
    await pause(clock, delay)
  }
}
