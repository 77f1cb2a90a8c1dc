import { createHash, randomUUID } from 'node:crypto'
import type { Transactions } from '../stores/store.js'

/** One run of the handler, as the handler sees it. */
export interface Attempt {
  /** The idempotency key; `null` for a delivery that came without one and is not deduplicated. */
  readonly key: string | null
  /** 1 for the first run of this key, 2 after a failure or a crash, … */
  readonly number: number
  /** A decimal integer that rises from attempt to attempt; lets a downstream system refuse a stale writer. */
  readonly fencingToken: string
  /** Aborts when the attempt lost its lease or reached the lock TTL: stop, the result may be refused. */
  readonly signal: AbortSignal
  /** A key for a downstream call (43 characters), the same in every attempt and different for every `name`. */
  keyFor(name: string): string
}

/**
 * Commits effects and the attempt's result in one transaction of the store's: both stand or neither does, so the
 * effects happen exactly once for the key.
 *
 * `effects` writes through `tx` alone and returns the result, which is what `commit` resolves with. It settles the
 * attempt: whatever the handler does or returns later changes nothing. What `effects` throws rolls back and fails the
 * attempt; a result that is not to be recorded (by default: a status that is not 2xx) rolls back and is answered.
 *
 * `effects` may be run again where the database asks for it (serialization failure): nothing but SQL belongs inside.
 *
 * Rejects with what `effects` threw; with {@link NoResultError} if another attempt owns the key by now; with
 * {@link StoreError} if the store could not be reached; with `TypeError` when called twice.
 */
export interface AsyncCommit<Tx, Result> {
  commit<R extends Result>(effects: (tx: Tx) => R | Promise<R>): Promise<R>
}

/** As {@link AsyncCommit}, except that `effects` must be done when it returns: it holds the store's only write lock. */
export interface SyncCommit<Tx, Result> {
  commit<R extends Result>(effects: (tx: Tx) => R): Promise<R>
}

/**
 * What a handler gets: an attempt, with `commit` where the store has transactions. `Result` is what a commit may come
 * to, `SyncResult` where the effects may not wait.
 */
export type AttemptWith<Kind, Result, SyncResult = Result> = [Kind] extends [never]
  ? Attempt
  : Kind extends Transactions<infer Tx, infer Mode>
    ? Attempt & (Mode extends 'sync' ? SyncCommit<Tx, SyncResult> : AsyncCommit<Tx, Result>)
    : never

/** A commit in the words of one layer: what the effects return is its own kind of result. */
export type CommitOf<Result> = <R extends Result>(effects: (tx: unknown) => R | Promise<R>) => Promise<R>

/** Each layer around a handler puts the commit in its own words in place of the one it was given. */
export function withCommit<Kind, Result>(
  attempt: Attempt,
  commit: CommitOf<Result> | undefined,
): AttemptWith<Kind, Result> {
  return (commit === undefined ? attempt : Object.assign(attempt, { commit })) as AttemptWith<Kind, Result>
}

/** An attempt together with the right to abort it. */
export class AbortableAttempt implements Attempt {
  readonly #derivationKey: string
  #controller: AbortController | undefined
  #abortReason: Error | undefined

  constructor(
    readonly scope: string,
    readonly key: string | null,
    readonly number: number,
    readonly fencingToken: string,
    /** Of the delivery that it is for, as soon as that is known. */
    public requestId: string | null,
  ) {
    this.#derivationKey = key ?? randomUUID()
  }

  /** Created on first use: most handlers never read it. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#abortReason !== undefined) this.#controller.abort(this.#abortReason)
    }
    return this.#controller.signal
  }

  keyFor(name: string): string {
    return digestOf([this.scope, this.#derivationKey, name])
  }

  abort(reason: Error): void {
    this.#abortReason ??= reason
    this.#controller?.abort(this.#abortReason)
  }
}

/** SHA-256 of the parts, each with its length in front, so that no two lists of parts digest alike. */
function digestOf(parts: string[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:${part}`)
  return hash.digest('base64url')
}
