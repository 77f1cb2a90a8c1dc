import type { LossReason } from '../diagnostics.js'
import { NoResultError, StoreError } from '../errors.js'
import type { FailNext, InboxStore } from '../stores/inbox-store.js'
import type { Failure } from '../stores/store.js'
import { AbortableAttempt } from './attempt.js'
import { type AttemptEnd, type EndWithoutResult, failureOf } from './attempt-end.js'
import { type AttemptMeter, meterAttempt } from './attempt-metrics.js'
import { type Commit, type Committed, type Effects, hasTransactions, type Settlement, transact } from './commit.js'
import type { EngineContext } from './context.js'
import type { Lease } from './lease.js'
import { LeaseRenewal } from './lease-renewal.js'
import type { RunningAttempt } from './running-attempts.js'
import { callUntilAnswered, publishCall } from './store-call.js'

/** `commit` is there where the store has transactions. */
export type Work<T> = (attempt: AbortableAttempt, commit: Commit<T> | undefined) => Promise<Settlement<T>>

export interface LeasedAttemptOptions<T> {
  requestId: string | null
  /** Of an accepted record: what follows an attempt without a result. */
  next?: (end: EndWithoutResult<T>, requestId: string | null) => FailNext
  /** Called when a handler whose attempt was lost has a result, which is offered to the store all the same. */
  lateResult?: () => void
}

/** Holds a key while the handler works: renews the lease, aborts when it is lost, brings the result to the store. */
export class LeasedAttempt<T> implements RunningAttempt {
  /**
   * How it ended for those who wait: when the attempt is lost, however long the handler still takes; at the end of the
   * lease at the latest when the result has not reached the store by then.
   */
  readonly ended: Promise<AttemptEnd<T>>
  readonly #context: EngineContext
  readonly #lease: Lease
  readonly #options: LeasedAttemptOptions<T>
  readonly #attempt: AbortableAttempt
  readonly #renewal: LeaseRenewal
  #phase: 'working' | 'offering' | 'over' = 'working'
  #resolveEnded!: (end: AttemptEnd<T>) => void
  /** Settles when the commit that the work started did; never rejects. */
  #committing: Promise<void> | undefined
  #offered: Settlement<T> | undefined
  /** Only while somebody subscribes to activity. */
  #meter: AttemptMeter | undefined
  #lostBy: LossReason | undefined
  /** The end for those who wait, should the store not take the key back in time. */
  #givingBack: EndWithoutResult<T> | undefined

  constructor(context: EngineContext, lease: Lease, options: LeasedAttemptOptions<T>) {
    const { scope, key, attempt, fencingToken } = lease
    this.ended = new Promise(resolve => {
      this.#resolveEnded = resolve
    })
    this.#context = context
    this.#lease = lease
    this.#options = options
    this.#attempt = new AbortableAttempt(scope, key, attempt, fencingToken, options.requestId)
    this.#renewal = new LeaseRenewal(context, lease, {
      renewed: () => this.#meter?.renewed(),
      lost: () => this.lose('lease'),
      expired: reason => this.#expire(reason),
      storeFailed: this.#storeFailed('renew'),
    })
  }

  get scope(): string {
    return this.#lease.scope
  }

  get key(): string {
    return this.#lease.key
  }

  get isOver(): boolean {
    return this.#phase === 'over'
  }

  /** The result that is on its way to the store. */
  get offered(): Settlement<T> | undefined {
    return this.#offered
  }

  /** Runs the work to its very end. Resolves with what became of a result that was offered; never rejects. */
  async run(work: Work<T>): Promise<AttemptEnd<T> | undefined> {
    const { running } = this.#context
    running.add(this)
    try {
      return await this.#run(work)
    } finally {
      running.delete(this)
    }
  }

  abort(reason: Error): void {
    this.#attempt.abort(reason)
  }

  /** The key is no longer this attempt's. Matters only while the handler works: afterwards the store decides. */
  lose(reason: LossReason): void {
    if (this.#phase !== 'working') return
    this.#lostBy = reason
    this.#end({ end: 'lost', reason })
    this.#attempt.abort(
      new NoResultError(reason === 'lock_ttl' ? 'attempt_timeout' : 'attempt_lost', `the attempt was lost: ${reason}`),
    )
    this.#context.report({ type: 'attempt_lost', ...this.#facts(), reason })
  }

  async #run(work: Work<T>): Promise<AttemptEnd<T> | undefined> {
    const { clock, store, report } = this.#context
    const now = clock.monotonic()
    this.#renewal.start(now)
    this.#meter = meterAttempt(clock, this.scope, this.key, this.#lease.attempt, now)
    if (this.#lease.tookOver) report({ type: 'attempt_taken_over', ...this.#facts() })
    let settlement: Settlement<T>
    try {
      settlement = await work(this.#attempt, hasTransactions(store) ? this.#commit : undefined)
      this.#meter?.handlerEnded()
    } catch (error) {
      this.#meter?.handlerEnded()
      report({ type: 'handler_threw', ...this.#facts(), error })
      await (this.#committing ?? this.#giveBack({ end: 'threw', error }))
      return undefined
    }
    const { value, result, failure } = settlement
    if (this.#committing === undefined && result !== undefined) return this.#complete(value, result)
    await (this.#committing ?? this.#giveBack({ end: 'given_back', value, failure }))
    return undefined
  }

  #end(end: AttemptEnd<T>): void {
    if (this.#phase === 'over') return
    this.#phase = 'over'
    this.#renewal.stop()
    this.#meter?.ended(end.end)
    this.#resolveEnded(end)
  }

  #expire(reason: LossReason): void {
    if (this.#phase === 'offering') this.#end(this.#givingBack ?? { end: 'unreachable', isOffered: true })
    else this.lose(reason)
  }

  /**
   * Offers the result until the store accepts or refuses it, or the lock TTL is over; a result that comes after
   * that is still offered for one lease more.
   */
  async #complete(value: T, result: Uint8Array): Promise<AttemptEnd<T>> {
    const { store, clock, report } = this.#context
    if (this.#phase === 'working') this.#phase = 'offering'
    else this.#options.lateResult?.()
    this.#offered = { value, result }
    const outcome = await callUntilAnswered(
      this.#context,
      'complete',
      () => store.complete(this.#lease, this.#lease.id, result),
      {
        giveUpAt: Math.max(this.#renewal.lockDeadline, clock.monotonic() + this.#lease.leaseMs),
        failed: this.#storeFailed('complete'),
      },
    )
    let end: AttemptEnd<T>
    if (outcome?.status === 'completed') end = { end: 'recorded', value, result, completedAt: outcome.completedAt }
    else {
      report({ type: outcome === undefined ? 'result_dropped' : 'result_refused', ...this.#facts() })
      end = { end: outcome === undefined ? 'unreachable' : 'fenced' }
    }
    this.#end(end)
    return end
  }

  readonly #commit: Commit<T> = effects => {
    if (this.#committing !== undefined) return Promise.reject(new TypeError('an attempt commits once'))
    if (this.#phase !== 'working') return Promise.reject(lostCommit())
    const committing = this.#commitOnce(effects)
    this.#committing = committing.then(ignore, ignore)
    return committing
  }

  /** The lease is renewed meanwhile; whether it still holds when the effects are done is for the store to say. */
  async #commitOnce(effects: Effects<T>): Promise<T> {
    let committed: Committed<T>
    try {
      committed = await this.#transact(effects)
    } catch (error) {
      // The store refuses this failure if the commit did happen; then the record has the answer.
      if (error instanceof StoreError) {
        this.#storeFailed('commit')(error)
        await this.#giveBack({ end: 'unreachable' })
      } else await this.#giveBack({ end: 'threw', error })
      throw error
    }
    switch (committed.status) {
      case 'completed': {
        const { value, result, completedAt } = committed
        this.#end({ end: 'recorded', value, result, completedAt })
        return value
      }
      case 'rolled_back':
        await this.#giveBack({ end: 'given_back', value: committed.value, failure: committed.failure })
        return committed.value
      case 'fenced':
        this.#context.report({ type: 'result_refused', ...this.#facts() })
        this.#end({ end: 'fenced' })
        throw lostCommit()
    }
  }

  async #transact(effects: Effects<T>): Promise<Committed<T>> {
    const { store, clock } = this.#context
    if (!hasTransactions(store)) throw new Error('unreachable: only offered where the store has transactions')
    const sentAt = clock.monotonic()
    let failed = false
    try {
      return await transact(store, this.#lease, this.#lease.id, effects)
    } catch (error) {
      failed = error instanceof StoreError
      throw error
    } finally {
      publishCall(clock, 'commit', sentAt, failed)
    }
  }

  /**
   * Gives the key back. Nobody waits for more than the first answer: an unreachable store frees the key by itself, and
   * what the handler answered is the answer, whether or not the store still knew this attempt.
   */
  async #giveBack(end: EndWithoutResult<T>): Promise<void> {
    const { clock, report } = this.#context
    // Only the records of inbox stores have a next.
    const store = this.#context.store as InboxStore
    const next = this.#options.next?.(end, this.#attempt.requestId)
    const { error, outcome: ended } = failureOf(end)
    const failure: Failure = { error, outcome: this.#lostBy === 'lock_ttl' ? 'timeout' : ended }
    if (end.end === 'given_back' && this.#phase !== 'over') {
      report({ type: 'attempt_given_back', ...this.#facts(), reason: error })
    }
    if (this.#phase === 'working') this.#phase = 'offering'
    this.#givingBack = end
    const storeFailed = this.#storeFailed('fail')
    const outcome = await callUntilAnswered(
      this.#context,
      'fail',
      () => store.fail(this.#lease, this.#lease.id, failure, next),
      {
        giveUpAt: clock.monotonic() + this.#lease.leaseMs,
        failed: error => {
          storeFailed(error)
          this.#end(end)
        },
      },
    )
    this.#end(outcome === 'fenced' && end.end === 'unreachable' ? { end: 'fenced' } : end)
  }

  #storeFailed(operation: 'renew' | 'complete' | 'fail' | 'commit') {
    return (error: unknown) => this.#context.report({ type: 'store_failed', ...this.#facts(), operation, error })
  }

  #facts() {
    const { scope, key, attempt, claimedAt } = this.#lease
    const durationMs = this.#context.clock.monotonic() - claimedAt
    return { scope, key, requestId: this.#attempt.requestId, attempt, durationMs }
  }
}

function ignore(): void {}

const lostCommit = (): NoResultError =>
  new NoResultError('attempt_lost', 'the attempt lost its key: nothing was committed', 1_000)
