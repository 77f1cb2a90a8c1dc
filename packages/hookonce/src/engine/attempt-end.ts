import type { LossReason } from '../diagnostics.js'
import type { Failure } from '../stores/store.js'

/** How an attempt ended for those who wait for it. */
export type AttemptEnd<T> =
  | { end: 'recorded'; value: T; result: Uint8Array; completedAt: number }
  | { end: 'given_back'; value: T; failure: Failure | undefined }
  | { end: 'threw'; error: unknown }
  | { end: 'fenced' }
  | { end: 'lost'; reason: LossReason }
  /** `isOffered`: the result is still on its way to the store. */
  | { end: 'unreachable'; isOffered?: boolean }

export type EndWithoutResult<T> = AttemptEnd<T> & { end: 'given_back' | 'threw' | 'unreachable' }

/** What an attempt without a result leaves in its record. */
export function failureOf(end: EndWithoutResult<unknown>): Failure {
  switch (end.end) {
    case 'given_back':
      return end.failure ?? { error: 'the response was not recordable', outcome: 'failed' }
    case 'unreachable':
      return { error: 'the commit could not reach the store', outcome: 'failed' }
    case 'threw':
      return { error: describe(end.error), outcome: 'threw' }
  }
}

/** Anything can be thrown, even what no text can be made of. */
function describe(error: unknown): string {
  try {
    return String(error)
  } catch {
    return typeof error
  }
}
