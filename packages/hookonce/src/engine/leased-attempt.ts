import { type LossReason, measured } from '../diagnostics.js'
import { NoResultError, StoreError } from '../errors.js'
import type { FailNext, InboxStore } from '../stores/inbox-store.js'
import type { ClaimRequest, CompleteOutcome, RecordId, Store } from '../stores/store.js'
import type { Report } from '../util/report.js'
import { AbortableAttempt } from './attempt.js'
import { type AttemptMeter, meterAttempt } from './attempt-metrics.js'
import { type Commit, type Effects, hasTransactions, type Settlement, transact } from './commit.js'
import { type Asking, ask, asked, FIRST_RETRY_MS, insist, jittered, pause, tellAsked } from './store-call.js'

/** `commit` is there where the store has transactions. */
export type Work<T> = (attempt: AbortableAttempt, commit: Commit<T> | undefined) => Promise<Settlement<T>>

/** How an attempt ended for those who wait for it. */
export type AttemptEnd<T> =
  | { end: 'recorded'; value: T; result: Uint8Array; completedAt: number }
  | { end: 'given_back'; value: T; reason: string | undefined }
  | { end: 'threw'; error: unknown }
  | { end: 'fenced' }
  | { end: 'lost'; reason: LossReason }
  /** `isOffered`: the result is still on its way to the store. */
  | { end: 'unreachable'; isOffered?: boolean }

/** A claim that succeeded. `sentAt` is monotonic, taken before it was sent for the first time. */
export interface Claimed<T = unknown> {
  request: ClaimRequest
  number: number
  fencingToken: string
  sentAt: number
  /** Where it was renewed before it began, the same of that. */
  renewedAt?: number
  /** It took the key from an attempt that ended without a word. */
  tookOver: boolean
  requestId: string | null
  /** Of an accepted record: what is to come after an attempt without a result. */
  next?: (end: WithoutResult<T>, requestId: string | null) => FailNext
}

type WithoutResult<T> = AttemptEnd<T> & { end: 'given_back' | 'threw' | 'unreachable' }

export interface HoldContext extends Asking {
  store: Store
  report: Report
}

/** So long before its lease ends an attempt is over for its holder, at most: an abort takes time, and timers fire late. */
const LONGEST_MARGIN_MS = 500

/**
 * Holds a key while the handler works: renews the lease, aborts when it is lost, brings the result to the store.
 *
 * Deadlines run on a monotonic clock from before the command was sent, so this side always gives up first.
 */
export class Hold<T> {
  readonly #context: HoldContext
  readonly #claimed: Claimed<T>
  readonly #attempt: AbortableAttempt
  readonly #marginMs: number
  readonly #lockDeadline: number
  #deadline: number
  #phase: 'working' | 'offering' | 'over' = 'working'
  #cancelTick: () => void = () => {}
  /** Settles when the commit that the work asked for did; never rejects. */
  #committing: Promise<void> | undefined
  #offered: Settlement<T> | undefined
  /** While somebody listens. */
  #meter: AttemptMeter | undefined
  /** What those who wait are told, should the store not take the key back in time. */
  #givingBack: WithoutResult<T> | undefined
  readonly #ended: (end: AttemptEnd<T>) => void
  readonly #settled: (end?: AttemptEnd<T>) => void
  readonly #offeredLate: () => void

  /**
   * @param ended called once: at once when the attempt is lost, however long the handler still takes, and at the end of
   * the lease when the result has not reached the store by then
   * @param settled called once, when the work came to its very end; with what became of a result that was offered
   * @param offeredLate called when a handler whose attempt was lost came to a result, which is offered all the same
   */
  constructor(
    context: HoldContext,
    claimed: Claimed<T>,
    ended: (end: AttemptEnd<T>) => void,
    settled: (end?: AttemptEnd<T>) => void,
    offeredLate: () => void = ignore,
  ) {
    const { request, number, fencingToken, requestId, renewedAt = claimed.sentAt } = claimed
    this.#context = context
    this.#claimed = claimed
    this.#ended = ended
    this.#settled = settled
    this.#offeredLate = offeredLate
    this.#attempt = new AbortableAttempt(request.scope, request.key, number, fencingToken, requestId)
    this.#marginMs = Math.min(request.leaseMs / 20, LONGEST_MARGIN_MS)
    this.#lockDeadline = claimed.sentAt + request.lockTtlMs - this.#marginMs
    this.#deadline = Math.min(renewedAt + request.leaseMs - this.#marginMs, this.#lockDeadline)
  }

  run(work: Work<T>): void {
    const { clock } = this.#context
    const now = clock.monotonic()
    this.#scheduleFirstTick(now)
    const { scope, key } = this.#claimed.request
    this.#meter = meterAttempt(clock, scope, key, this.#claimed.number, now)
    if (this.#claimed.tookOver) this.#context.report({ type: 'attempt_taken_over', ...this.#name() })
    const commit = hasTransactions(this.#context.store) ? this.#commit : undefined
    begun(work, this.#attempt, commit).then(
      ({ value, result, reason }) => {
        const now = this.#meter?.handlerEnded()
        if (this.#committing !== undefined) void this.#committing.then(() => this.#settled())
        else if (result !== undefined) this.#complete(value, result, now)
        else void this.#giveBack({ end: 'given_back', value, reason }).then(() => this.#settled())
      },
      error => {
        this.#meter?.handlerEnded()
        this.#context.report({ type: 'handler_threw', ...this.#name(), error })
        if (this.#committing !== undefined) void this.#committing.then(() => this.#settled())
        else void this.#giveBack({ end: 'threw', error }).then(() => this.#settled())
      },
    )
  }

  abort(reason: Error): void {
    this.#attempt.abort(reason)
  }

  /** The key is no longer this attempt's. Matters only while the handler works: afterwards the store decides. */
  lose(reason: LossReason): void {
    if (this.#phase !== 'working') return
    this.#end({ end: 'lost', reason })
    this.#attempt.abort(
      new NoResultError(reason === 'lock_ttl' ? 'attempt_timeout' : 'attempt_lost', `the attempt was lost: ${reason}`),
    )
    this.#context.report({ type: 'attempt_lost', ...this.#name(), reason })
  }

  #end(end: AttemptEnd<T>, at?: number): void {
    if (this.#phase === 'over') return
    this.#phase = 'over'
    this.#cancelTick()
    this.#meter?.ended(end.end, at)
    this.#ended(end)
  }

  /** Most attempts are over before it: cheap where the claim was quick, exact otherwise. */
  #scheduleFirstTick(now: number): void {
    const { limits } = this.#context
    const { request, sentAt, renewedAt = sentAt } = this.#claimed
    const quick = now - renewedAt <= request.leaseMs / 6
    if (quick && this.#deadline < this.#lockDeadline) {
      this.#cancelTick = limits.start(request.leaseMs / 3, () => void this.#tick(), now)
    } else this.#scheduleTick(renewedAt)
  }

  #scheduleTick(lastSentAt: number): void {
    const { clock } = this.#context
    const renewAt = lastSentAt + this.#claimed.request.leaseMs / 3
    const at = this.#deadline < this.#lockDeadline ? Math.min(renewAt, this.#deadline) : this.#deadline
    this.#cancelTick = clock.after(Math.max(0, at - clock.monotonic()), () => void this.#tick())
  }

  async #tick(): Promise<void> {
    const { clock, store } = this.#context
    const { request } = this.#claimed
    const sentAt = clock.monotonic()
    if (sentAt >= this.#deadline) return this.#expire()
    // Timers may fire a little early; at the lock TTL there is nothing left to renew.
    if (this.#deadline === this.#lockDeadline) return this.#scheduleTick(sentAt)
    // The deadline holds while the store thinks it over, too.
    this.#cancelTick = clock.after(this.#deadline - sentAt, () => this.#expire())
    let nextFrom = sentAt
    try {
      const outcome = await asked(this.#context, 'renew', () => store.renew(request, request.leaseId, request.leaseMs))
      if (outcome === 'renewed') {
        this.#deadline = Math.min(sentAt + request.leaseMs - this.#marginMs, this.#lockDeadline)
        this.#meter?.renewed()
      } else this.lose('lease')
    } catch (error) {
      this.#storeFailed('renew', error)
      // The next try comes after a tenth of the lease.
      nextFrom = clock.monotonic() - request.leaseMs * (1 / 3 - 1 / 10)
    }
    if (this.#phase === 'over') return
    this.#cancelTick()
    this.#scheduleTick(nextFrom)
  }

  #expire(): void {
    if (this.#phase === 'offering') this.#end(this.#givingBack ?? { end: 'unreachable', isOffered: true })
    else this.lose(this.#deadline >= this.#lockDeadline ? 'lock_ttl' : 'lease')
  }

  /**
   * Offers the result until the store accepts or refuses it, or the lock TTL is over; a result that comes after
   * that is still offered for one lease more. Those who wait are answered at the end of the lease at the latest.
   */
  #complete(value: T, result: Uint8Array, now = this.#context.clock.monotonic()): void {
    const { store, clock } = this.#context
    const { request } = this.#claimed
    if (this.#phase === 'working') this.#phase = 'offering'
    else this.#offeredLate()
    this.#offered = { value, result }
    const giveUpAt = Math.max(this.#lockDeadline, now + request.leaseMs)
    const offer = () => store.complete(request, request.leaseId, result)
    // Once without `insist`, which is there for what seldom happens.
    ask(
      this.#context,
      'complete',
      offer,
      (outcome, at) => this.#completed(value, result, outcome, at),
      async error => {
        this.#storeFailed('complete', error)
        await pause(clock, jittered(FIRST_RETRY_MS))
        this.#completed(value, result, await this.#insist('complete', giveUpAt, offer))
      },
      now,
    )
  }

  #completed(value: T, result: Uint8Array, outcome: CompleteOutcome | undefined, at?: number): void {
    let end: AttemptEnd<T>
    if (outcome?.status === 'completed') end = { end: 'recorded', value, result, completedAt: outcome.completedAt }
    else {
      this.#context.report({ type: outcome === undefined ? 'result_dropped' : 'result_refused', ...this.#name() })
      end = { end: outcome === undefined ? 'unreachable' : 'fenced' }
    }
    this.#end(end, at)
    this.#settled(end)
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
    const { request } = this.#claimed
    const { store } = this.#context
    if (!hasTransactions(store)) throw new Error('unreachable: only offered where the store has transactions')
    const { clock } = this.#context
    const askedAt = measured() ? clock.monotonic() : undefined
    let committed: Awaited<ReturnType<typeof transact<T>>>
    try {
      committed = await transact(store, request, request.leaseId, effects)
      if (askedAt !== undefined) tellAsked(clock, 'commit', askedAt, false)
    } catch (error) {
      if (askedAt !== undefined) tellAsked(clock, 'commit', askedAt, error instanceof StoreError)
      // The store refuses this failure if the commit did happen; then the record tells the answer.
      if (error instanceof StoreError) {
        this.#storeFailed('commit', error)
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
        await this.#giveBack({ end: 'given_back', value: committed.value, reason: committed.reason })
        return committed.value
      case 'fenced':
        this.#context.report({ type: 'result_refused', ...this.#name() })
        this.#end({ end: 'fenced' })
        throw lostCommit()
    }
  }

  /**
   * Gives the key back. Nobody waits for more than the first answer: an unreachable store frees the key by itself, and
   * what the handler answered is the answer, whether or not the store still knew this attempt.
   */
  async #giveBack(end: WithoutResult<T>): Promise<void> {
    const { clock } = this.#context
    const { request, next } = this.#claimed
    // Only of inbox stores are records taken that have a next.
    const store = this.#context.store as InboxStore
    const after = next?.(end, this.#attempt.requestId)
    const reason = reasonOf(end)
    if (end.end === 'given_back' && this.#phase !== 'over')
      this.#context.report({ type: 'attempt_given_back', ...this.#name(), reason })
    if (this.#phase === 'working') this.#phase = 'offering'
    this.#givingBack = end
    const giveUpAt = clock.monotonic() + request.leaseMs
    const fail = () => store.fail(request, request.leaseId, reason, after)
    const outcome = await this.#insist('fail', giveUpAt, fail, () => this.#end(end))
    this.#end(outcome === 'fenced' && end.end === 'unreachable' ? { end: 'fenced' } : end)
  }

  #insist<R>(
    operation: 'complete' | 'fail',
    giveUpAt: number,
    question: () => Promise<R>,
    alsoFailed?: () => void,
  ): Promise<R | undefined> {
    const failed = (error: unknown) => {
      this.#storeFailed(operation, error)
      alsoFailed?.()
    }
    return insist({ ...this.#context, giveUpAt, failed }, operation, question)
  }

  #storeFailed(operation: 'renew' | 'complete' | 'fail' | 'commit', error: unknown): void {
    this.#context.report({ type: 'store_failed', ...this.#name(), operation, error })
  }

  /** The result that is on its way to the store. */
  get offered(): Settlement<T> | undefined {
    return this.#offered
  }

  get id(): RecordId {
    const { scope, key } = this.#claimed.request
    return { scope, key }
  }

  #name() {
    const { number, sentAt } = this.#claimed
    const durationMs = this.#context.clock.monotonic() - sentAt
    return { ...this.id, requestId: this.#attempt.requestId, attempt: number, durationMs }
  }
}

/** Work that throws before it is a promise fails as any other. */
function begun<T>(work: Work<T>, attempt: AbortableAttempt, commit: Commit<T> | undefined): Promise<Settlement<T>> {
  try {
    return work(attempt, commit)
  } catch (error) {
    return Promise.reject(error)
  }
}

function ignore(): void {}

const lostCommit = (): NoResultError =>
  new NoResultError('attempt_lost', 'the attempt lost its key: nothing was committed', 1_000)

function reasonOf(end: WithoutResult<unknown>): string {
  switch (end.end) {
    case 'given_back':
      return end.reason ?? 'the response was not recordable'
    case 'unreachable':
      return 'the commit could not reach the store'
    case 'threw':
      return describe(end.error)
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
