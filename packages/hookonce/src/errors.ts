/** Base of every error this library throws. `code` is stable; the message is for people. */
export class HookonceError extends Error {
  readonly code: string

  constructor(code: `ERR_${string}`, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

/** A setting that cannot work. The message names it and says what is allowed. */
export class ConfigurationError extends HookonceError {
  constructor(message: string) {
    super('ERR_CONFIGURATION', message)
  }
}

/** An idempotency key that breaks the rules of `key.ts`. */
export class InvalidKeyError extends HookonceError {
  constructor(message: string) {
    super('ERR_INVALID_KEY', message)
  }
}

/**
 * The store could not do what it was asked.
 *
 * `refused`: nothing was written, asking again at once is pointless (disk full, read-only, closed, lock not had in time).
 * `unknown`: no answer came, the write may have happened (connection lost, time limit).
 */
export class StoreError extends HookonceError {
  readonly effect: 'refused' | 'unknown'

  constructor(message: string, effect: 'refused' | 'unknown', options?: ErrorOptions) {
    super('ERR_STORE', message, options)
    this.effect = effect
  }
}

/** Why {@link Idempotency.run} has no value to give. */
export type NoResultReason =
  | 'in_progress'
  | 'mismatch'
  | 'attempts_exhausted'
  | 'attempt_failed'
  | 'attempt_lost'
  | 'attempt_timeout'
  | 'store_unavailable'

/** No result can be had now. `reason` says why, `retryAfterMs` (where a retry can help) how long to wait. */
export class NoResultError extends HookonceError {
  readonly reason: NoResultReason
  readonly retryAfterMs: number | undefined

  constructor(reason: NoResultReason, message: string, retryAfterMs?: number) {
    super('ERR_NO_RESULT', message)
    this.reason = reason
    this.retryAfterMs = retryAfterMs
  }
}

/** Thrown by a handler of an inbox: no further attempt can succeed. The delivery is dead at once. */
export class NonRetriableError extends HookonceError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_NON_RETRIABLE', message, options)
  }
}

/** Thrown by a handler of an inbox: try again, but not before. The attempt counts. */
export class RetryAfterError extends HookonceError {
  readonly retryAfterMs: number

  /** @param retryAfter milliseconds from now, or a time */
  constructor(message: string, retryAfter: number | Date, options?: ErrorOptions) {
    super('ERR_RETRY_AFTER', message, options)
    this.retryAfterMs = Math.max(0, typeof retryAfter === 'number' ? retryAfter : retryAfter.getTime() - Date.now())
  }
}
