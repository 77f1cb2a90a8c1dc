/** In the global registry: two copies of this package recognize each other's errors. */
const IS_OURS = Symbol.for('hookonce.error')

/** Base of every error this library throws. `code` is stable; the message is for people. */
export class HookonceError extends Error {
  /** The `code` of every error of the class; a class that is derived from one of these has none. */
  static readonly code?: string
  readonly code: string

  /** By `code`: a process may load this package twice, for `import` and for `require`. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: the class to the right of `instanceof`
    return isInstanceOf(this, value)
  }

  constructor(code: `ERR_${string}`, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }

  get [IS_OURS](): true {
    return true
  }
}

/** A class that an application derives from one of these has no code of its own, and is compared as usual. */
function isInstanceOf(type: typeof HookonceError, value: unknown): boolean {
  if (!Object.hasOwn(type, 'code')) return Function.prototype[Symbol.hasInstance].call(type, value)
  const { [IS_OURS]: isOurs, code } = Object(value) as Partial<HookonceError>
  return isOurs === true && (type.code === undefined || type.code === code)
}

/** A setting that cannot work. The message names it and says what is allowed. */
export class ConfigurationError extends HookonceError {
  static override readonly code = 'ERR_CONFIGURATION'
  constructor(message: string) {
    super(ConfigurationError.code, message)
  }
}

/** An idempotency key that breaks the rules of `key.ts`. */
export class InvalidKeyError extends HookonceError {
  static override readonly code = 'ERR_INVALID_KEY'
  constructor(message: string) {
    super(InvalidKeyError.code, message)
  }
}

/**
 * The store could not do what it was asked.
 *
 * `refused`: nothing was written, asking again at once is pointless (disk full, read-only, closed, lock not had in time).
 * `unknown`: no answer came, the write may have happened (connection lost, time limit).
 */
export class StoreError extends HookonceError {
  static override readonly code = 'ERR_STORE'
  readonly effect: 'refused' | 'unknown'

  constructor(message: string, effect: 'refused' | 'unknown', options?: ErrorOptions) {
    super(StoreError.code, message, options)
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
  static override readonly code = 'ERR_NO_RESULT'
  readonly reason: NoResultReason
  readonly retryAfterMs: number | undefined

  constructor(reason: NoResultReason, message: string, retryAfterMs?: number) {
    super(NoResultError.code, message)
    this.reason = reason
    this.retryAfterMs = retryAfterMs
  }
}

/** Thrown by a handler of an inbox: no further attempt can succeed. The delivery is dead at once. */
export class NonRetriableError extends HookonceError {
  static override readonly code = 'ERR_NON_RETRIABLE'
  constructor(message: string, options?: ErrorOptions) {
    super(NonRetriableError.code, message, options)
  }
}

/** Thrown by a handler of an inbox: try again, but not before. The attempt counts. */
export class RetryAfterError extends HookonceError {
  static override readonly code = 'ERR_RETRY_AFTER'
  readonly retryAfterMs: number

  /** @param retryAfter milliseconds from now, or a time */
  constructor(message: string, retryAfter: number | Date, options?: ErrorOptions) {
    super(RetryAfterError.code, message, options)
    this.retryAfterMs = Math.max(0, typeof retryAfter === 'number' ? retryAfter : retryAfter.getTime() - Date.now())
  }
}
