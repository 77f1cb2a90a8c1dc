import { randomUUID } from 'node:crypto'
import { NoResultError } from '../errors.js'
import { ShortLivedMap } from '../util/short-lived-map.js'
import { AbortableAttempt } from './attempt.js'
import { meterAttempt } from './attempt-metrics.js'
import { type Effects, hasTransactions, transact } from './commit.js'
import { newLeaseId } from './lease-id.js'
import type { HoldContext, Work } from './leased-attempt.js'
import type { ProcessRequest } from './options.js'
import type { Outcome } from './outcome.js'
import { asked } from './store-call.js'
import type { Timing } from './timing.js'

/** Work without a key: it runs every time, there is nothing to hold and nothing to join. */
export class Keyless {
  readonly #context: HoldContext
  readonly #attempts = new ShortLivedMap<AbortableAttempt, AbortableAttempt>()

  constructor(context: HoldContext) {
    this.#context = context
  }

  /** Runs under the lock TTL alone. `landed` is called when the work came to its end. */
  run<T>({ scope, timing, requestId = null }: ProcessRequest, work: Work<T>, landed: () => void): Promise<Outcome<T>> {
    const { clock, limits, store, report } = this.#context
    const attempt = new AbortableAttempt(scope, null, 1, String(clock.now() * 1000), requestId)
    this.#attempts.set(attempt, attempt)
    const startedAt = clock.monotonic()
    const meter = meterAttempt(clock, scope, null, 1, startedAt)
    const name = () => ({ scope, key: null, requestId, attempt: 1, durationMs: clock.monotonic() - startedAt })
    return new Promise<Outcome<T>>(resolve => {
      const lift = limits.start(timing.lockTtlMs, () => {
        attempt.abort(new NoResultError('attempt_timeout', 'the lock TTL is over'))
        report({ type: 'attempt_lost', ...name(), reason: 'lock_ttl' })
        meter?.ended('lost')
        resolve({ kind: 'attempt_timeout' })
      })
      const end = (outcome: Outcome<T>) => {
        lift()
        this.#attempts.delete(attempt)
        landed()
        resolve(outcome)
      }
      const commit = hasTransactions(store) ? (effects: Effects<T>) => this.#commit(scope, timing, effects) : undefined
      work(attempt, commit).then(
        ({ value, reason }) => {
          meter?.handlerEnded()
          if (reason !== undefined) report({ type: 'attempt_given_back', ...name(), reason })
          meter?.ended('recorded')
          end({ kind: 'executed', value })
        },
        error => {
          meter?.handlerEnded()
          meter?.ended('threw')
          report({ type: 'handler_threw', ...name(), error })
          end({ kind: 'threw', joined: false, error })
        },
      )
    })
  }

  /** Of each attempt that runs. */
  scopes(): string[] {
    return Array.from(this.#attempts.values(), ({ scope }) => scope)
  }

  abort(reason: Error): void {
    for (const attempt of this.#attempts.values()) attempt.abort(reason)
  }

  /** A commit of work that has no key: its record is nobody's, and gone at once. */
  async #commit<T>(scope: string, { lockTtlMs }: Timing, effects: Effects<T>): Promise<T> {
    const { store } = this.#context
    if (!hasTransactions(store)) throw new Error('unreachable: only offered where the store has transactions')
    const id = { scope, key: `keyless.${randomUUID()}` }
    const leaseId = newLeaseId()
    const request = { ...id, fingerprint: null, leaseId, leaseMs: lockTtlMs, lockTtlMs, retentionMs: 1, maxLosses: 1 }
    await asked(this.#context, 'claim', () => store.claim(request))
    try {
      const committed = await transact(store, id, leaseId, effects)
      if (committed.status === 'completed') return committed.value
      await asked(this.#context, 'fail', () => store.fail(id, leaseId, 'not committed'))
      if (committed.status === 'rolled_back') return committed.value
    } catch (error) {
      await asked(this.#context, 'fail', () => store.fail(id, leaseId, 'not committed')).catch(() => {})
      throw error
    }
    throw new NoResultError('attempt_lost', 'the attempt was lost: nothing was committed')
  }
}
