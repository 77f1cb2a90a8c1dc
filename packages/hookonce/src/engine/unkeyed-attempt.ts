import { randomUUID } from 'node:crypto'
import { NoResultError } from '../errors.js'
import { AbortableAttempt } from './attempt.js'
import { meterAttempt } from './attempt-metrics.js'
import { type Effects, hasTransactions, type Settlement, transact } from './commit.js'
import type { EngineContext } from './context.js'
import { newLeaseId } from './lease.js'
import type { Work } from './leased-attempt.js'
import type { ProcessRequest } from './options.js'
import type { Outcome } from './outcome.js'
import type { RunningAttempt } from './running-attempts.js'
import { callStore } from './store-call.js'

/** The one attempt of work without a key: nothing is held and nothing joined; only the lock TTL limits it. */
export class UnkeyedAttempt<T> implements RunningAttempt {
  readonly key = null
  /** At the lock TTL at the latest, however long the handler still takes. */
  readonly outcome: Promise<Outcome<T>>
  readonly #context: EngineContext
  readonly #request: ProcessRequest
  readonly #attempt: AbortableAttempt
  #resolveOutcome!: (outcome: Outcome<T>) => void

  constructor(context: EngineContext, request: ProcessRequest) {
    const { scope, requestId = null } = request
    this.outcome = new Promise(resolve => {
      this.#resolveOutcome = resolve
    })
    this.#context = context
    this.#request = request
    this.#attempt = new AbortableAttempt(scope, null, 1, String(context.clock.now() * 1000), requestId)
  }

  get scope(): string {
    return this.#request.scope
  }

  abort(reason: Error): void {
    this.#attempt.abort(reason)
  }

  /** Runs the work to its very end; never rejects. */
  async run(work: Work<T>): Promise<void> {
    const { clock, limits, store, report, running } = this.#context
    const { scope, timing, requestId = null } = this.#request
    const startedAt = clock.monotonic()
    const meter = meterAttempt(clock, scope, null, 1, startedAt)
    const facts = () => ({ scope, key: null, requestId, attempt: 1, durationMs: clock.monotonic() - startedAt })
    const cancelLimit = limits.start(timing.lockTtlMs, () => {
      this.abort(new NoResultError('attempt_timeout', 'the lock TTL is over'))
      report({ type: 'attempt_lost', ...facts(), reason: 'lock_ttl' })
      meter?.ended('lost')
      this.#resolveOutcome({ kind: 'attempt_timeout' })
    })
    running.add(this)
    let outcome: Outcome<T>
    try {
      const commit = hasTransactions(store) ? (effects: Effects<T>) => this.#commit(effects) : undefined
      const { value, failure }: Settlement<T> = await work(this.#attempt, commit)
      meter?.handlerEnded()
      if (failure !== undefined) report({ type: 'attempt_given_back', ...facts(), reason: failure.error })
      meter?.ended(failure === undefined ? 'recorded' : 'given_back')
      outcome = { kind: 'executed', value }
    } catch (error) {
      meter?.handlerEnded()
      meter?.ended('threw')
      report({ type: 'handler_threw', ...facts(), error })
      outcome = { kind: 'threw', joined: false, error }
    }
    cancelLimit()
    running.delete(this)
    this.#resolveOutcome(outcome)
  }

  /** The record of a commit without a key is nobody's, and gone at once. */
  async #commit(effects: Effects<T>): Promise<T> {
    const { store } = this.#context
    if (!hasTransactions(store)) throw new Error('unreachable: only offered where the store has transactions')
    const { scope, timing } = this.#request
    const { lockTtlMs } = timing
    const id = { scope, key: `keyless.${randomUUID()}` }
    const leaseId = newLeaseId()
    const request = { ...id, fingerprint: null, leaseId, leaseMs: lockTtlMs, lockTtlMs, retentionMs: 1, maxLosses: 1 }
    await callStore(this.#context, 'claim', () => store.claim(request))
    const release = () => callStore(this.#context, 'fail', () => store.fail(id, leaseId, 'not committed'))
    try {
      const committed = await transact(store, id, leaseId, effects)
      if (committed.status === 'completed') return committed.value
      await release()
      if (committed.status === 'rolled_back') return committed.value
    } catch (error) {
      await release().catch(() => {})
      throw error
    }
    throw new NoResultError('attempt_lost', 'the attempt was lost: nothing was committed')
  }
}
