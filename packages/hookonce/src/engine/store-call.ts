import { measured, type StoreOperation, tell } from '../diagnostics.js'
import { StoreError } from '../errors.js'
import type { Clock } from '../util/clock.js'
import type { TimeLimits } from '../util/time-limits.js'

export interface Asking {
  clock: Clock
  limits: TimeLimits
  storeTimeoutMs: number
}

/**
 * Puts a question to the store and calls one of the two, once; no answer within the time limit counts as "unknown".
 * Callbacks, for every delivery comes by here twice: a promise and what hangs on it cost half a microsecond. So that
 * nobody reads the clock twice for one moment `answered` is told the time of the answer where it is known.
 */
export function ask<T>(
  { clock, limits, storeTimeoutMs }: Asking,
  operation: StoreOperation,
  question: () => Promise<T>,
  answered: (answer: T, at?: number) => void,
  failed: (error: unknown) => void,
  askedAt = clock.monotonic(),
): void {
  let waiting = true
  const failedWith = (error: unknown) => {
    if (measured()) tellAsked(clock, operation, askedAt, true)
    failed(error)
  }
  const giveUp = () => {
    waiting = false
    failedWith(new StoreError(`the store did not answer within ${storeTimeoutMs} ms`, 'unknown'))
  }
  const lift = limits.start(storeTimeoutMs, giveUp, askedAt)
  question().then(
    answer => {
      if (!waiting) return
      lift()
      if (measured()) answered(answer, tellAsked(clock, operation, askedAt, false))
      else answered(answer)
    },
    error => {
      if (!waiting) return
      lift()
      failedWith(error)
    },
  )
}

/** Returns the time, which is that of the answer. */
export function tellAsked(clock: Clock, operation: StoreOperation, askedAt: number, failed: boolean): number {
  const now = clock.monotonic()
  tell({ type: 'store_asked', operation, durationMs: now - askedAt, failed })
  return now
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

export interface Repeating extends Insisting {
  /** Nobody needs the answer any more. */
  isOver(): boolean
}

/**
 * Asks, and asks again whenever the answer is overdue or fails; each time it waits twice as long. Whichever answer comes
 * first counts, those that follow are given to `late`. `undefined`: there was none by `giveUpAt`, or the store refused
 * before anything can have happened.
 */
export function firstAnswer<T>(
  repeating: Repeating,
  operation: StoreOperation,
  question: (again: boolean) => Promise<T>,
  late: (answer: T) => void = () => {},
): Promise<T | undefined> {
  const { clock, limits, giveUpAt, failed, isOver, storeTimeoutMs } = repeating
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

    const askAgain = (pauseMs: number) => {
      if (isOver() || clock.monotonic() + pauseMs >= giveUpAt) settle(undefined)
      else cancelTimer = clock.after(pauseMs, send)
    }

    const send = () => {
      const number = ++latest
      const askedAt = clock.monotonic()
      const waitMs = patienceMs
      cancelTimer = limits.start(
        waitMs,
        () => {
          failed(new StoreError(`the store did not answer within ${waitMs} ms`, 'unknown'))
          // Few lengths: see time-limits.ts.
          patienceMs = clock.monotonic() + 2 * waitMs <= giveUpAt ? 2 * waitMs : storeTimeoutMs
          askAgain(0)
        },
        askedAt,
      )
      question(number > 1).then(
        answer => {
          if (measured()) tellAsked(clock, operation, askedAt, false)
          if (settled) late(answer)
          else settle(answer)
        },
        error => {
          if (measured()) tellAsked(clock, operation, askedAt, true)
          if (settled || number < latest) return
          cancelTimer()
          failed(error)
          if (number === 1 && wasRefused(error)) return settle(undefined)
          askAgain(jittered(retryMs))
          retryMs = Math.min(2 * retryMs, LAST_RETRY_MS)
        },
      )
    }

    send()
  })
}
