import type { Clock } from './clock.js'
import { StoreError } from './errors.js'

/** Puts a question to the store; no answer within `timeoutMs` counts as "unknown". */
export function askWithin<T>(clock: Clock, timeoutMs: number, question: () => Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const cancel = clock.after(timeoutMs, () =>
      reject(new StoreError(`the store did not answer within ${timeoutMs} ms`, 'unknown')),
    )
    question().then(
      answer => {
        cancel()
        resolve(answer)
      },
      error => {
        cancel()
        reject(error)
      },
    )
  })
}

/** Whether the store said that nothing was written. Whatever it did not say counts as unknown. */
export const wasRefused = (error: unknown): boolean => error instanceof StoreError && error.effect === 'refused'

export const pause = (clock: Clock, ms: number): Promise<void> => new Promise(resolve => void clock.after(ms, resolve))

/** Delays that double from `firstMs` to `lastMs`, each shortened by up to half at random so that processes spread out. */
export function* backoff(firstMs: number, lastMs: number): Generator<number, never> {
  for (let delay = firstMs; ; delay = Math.min(delay * 2, lastMs)) yield delay * (0.5 + Math.random() / 2)
}
