import { isObserved, publish, type StoreOperation } from '../diagnostics.js'
import { StoreError } from '../errors.js'
import type { Clock } from '../util/clock.js'
import type { TimeLimits } from '../util/time-limits.js'

/** What a call to the store needs besides the store. */
export interface StoreCallContext {
  clock: Clock
  limits: TimeLimits
  storeTimeoutMs: number
}

/**
 * One call, under the time limit. Its answer counts as "unknown" once the limit is over.
 * @throws what the store rejects with, or a {@link StoreError}
 */
export function callStore<T>(
  { clock, limits, storeTimeoutMs }: StoreCallContext,
  operation: StoreOperation,
  call: () => Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const sentAt = clock.monotonic()
    const timedOut = () => {
      publishCall(clock, operation, sentAt, true)
      reject(timeoutError(storeTimeoutMs))
    }
    const cancel = limits.start(storeTimeoutMs, timedOut, sentAt)
    call().then(
      answer => {
        cancel()
        publishCall(clock, operation, sentAt, false)
        resolve(answer)
      },
      error => {
        cancel()
        publishCall(clock, operation, sentAt, true)
        reject(error)
      },
    )
  })
}

/** How long calls are repeated, and who learns of failures. */
export interface Repetition<T> {
  /** On the monotonic clock: no call starts after it. */
  giveUpAt: number
  /** Called for each call that failed or is overdue, with its number from 1 on. */
  failed(error: unknown, call: number): void
  /** Asked before each further call: whether nobody needs the answer any more. Default: somebody does. */
  isOver?(): boolean
  /** Called for an answer that comes after the first one, or after the end. */
  late?(answer: T): void
}

const FIRST_RETRY_MS = 50
const LAST_RETRY_MS = 2_000

/**
 * Repeats a call until the store answers: an overdue one at once, a failed one after a pause. Whichever answer comes first
 * counts, that of an overdue call too, so a store that is slower than its time limit is usable; `call` must mean the same
 * each time. `undefined`: there was no answer.
 */
export function callUntilAnswered<T>(
  { clock, limits, storeTimeoutMs }: StoreCallContext,
  operation: StoreOperation,
  call: (isRepeated: boolean) => Promise<T>,
  { giveUpAt, failed, isOver, late }: Repetition<T>,
): Promise<T | undefined> {
  return new Promise(resolve => {
    let settled = false
    let cancelTimer = () => {}
    let patienceMs = storeTimeoutMs
    let retryMs = FIRST_RETRY_MS
    let latest = 0

    const settle = (answer: T | undefined) => {
      settled = true
      cancelTimer()
      resolve(answer)
    }

    const sendAgain = (pauseMs: number) => {
      if (isOver?.() || clock.monotonic() + pauseMs >= giveUpAt) settle(undefined)
      else if (pauseMs === 0) send()
      else cancelTimer = clock.after(pauseMs, send)
    }

    const send = () => {
      const number = ++latest
      const sentAt = clock.monotonic()
      const waitMs = patienceMs
      let isOverdue = false
      cancelTimer = limits.start(
        waitMs,
        () => {
          isOverdue = true
          publishCall(clock, operation, sentAt, true)
          failed(timeoutError(waitMs), number)
          // Few different lengths: each has a list of its own in `limits`.
          patienceMs = clock.monotonic() + 2 * storeTimeoutMs <= giveUpAt ? 2 * storeTimeoutMs : storeTimeoutMs
          sendAgain(0)
        },
        sentAt,
      )
      call(number > 1).then(
        answer => {
          if (!isOverdue) publishCall(clock, operation, sentAt, false)
          if (settled) late?.(answer)
          else settle(answer)
        },
        error => {
          if (isOverdue || settled) return
          publishCall(clock, operation, sentAt, true)
          cancelTimer()
          failed(error, number)
          sendAgain(jittered(retryMs))
          retryMs = Math.min(2 * retryMs, LAST_RETRY_MS)
        },
      )
    }

    send()
  })
}

/** Whether the store said that nothing was written. Whatever it did not say counts as unknown. */
export const wasRefused = (error: unknown): boolean => error instanceof StoreError && error.effect === 'refused'

/** Shortened by up to half at random, so that processes spread out. */
export const jittered = (ms: number): number => ms * (0.5 + Math.random() / 2)

/** Reads the clock only while somebody subscribes. */
export function publishCall(clock: Clock, operation: StoreOperation, sentAt: number, failed: boolean): void {
  if (isObserved()) publish({ type: 'store_asked', operation, durationMs: clock.monotonic() - sentAt, failed })
}

const timeoutError = (ms: number) => new StoreError(`the store did not answer within ${ms} ms`, 'unknown')
