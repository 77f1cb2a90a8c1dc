import { NoResultError } from '../errors.js'
import type { RecordId } from '../stores/store.js'
import { ShortLivedMap } from '../util/short-lived-map.js'
import type { Settlement } from './commit.js'

/** An attempt whose handler works, or whose result is on its way to the store. */
export interface RunningAttempt {
  readonly scope: string
  /** `null`: it holds no key. */
  readonly key: string | null
  /** Its end is known, although its handler still works. */
  readonly isOver?: boolean
  /** The result that is on its way to the store. */
  readonly offered?: Settlement<unknown> | undefined
  /** Aborts the handler's signal. */
  abort(reason: Error): void
  /** The record was deleted: the attempt holds its key no longer. */
  lose?(reason: 'deleted'): void
}

/** All attempts of one engine that run: those of deliveries with and without a key, and those of an inbox's workers. */
export class RunningAttempts {
  readonly #attempts = new ShortLivedMap<RunningAttempt, RunningAttempt>()

  add(attempt: RunningAttempt): void {
    this.#attempts.set(attempt, attempt)
  }

  delete(attempt: RunningAttempt): void {
    this.#attempts.delete(attempt)
  }

  of({ scope, key }: RecordId): RunningAttempt[] {
    return Array.from(this.#attempts.values()).filter(attempt => attempt.key === key && attempt.scope === scope)
  }

  /** How many run whose end is not known, by scope; a scope without any is absent. */
  counts(): Map<string, number> {
    const counts = new Map<string, number>()
    for (const { scope, isOver } of this.#attempts.values()) {
      if (!isOver) counts.set(scope, (counts.get(scope) ?? 0) + 1)
    }
    return counts
  }

  abort(): void {
    const reason = new NoResultError('attempt_lost', 'this process is shutting down')
    for (const attempt of this.#attempts.values()) attempt.abort(reason)
  }
}
