import type { AbortableAttempt } from '../engine/attempt.js'
import type { Commit, Settlement } from '../engine/commit.js'
import { newLeaseId } from '../engine/lease-id.js'
import { type AttemptEnd, type Claimed, Hold, type HoldContext } from '../engine/leased-attempt.js'
import { firstAnswer, jittered } from '../engine/store-call.js'
import type { Timing } from '../engine/timing.js'
import { NoResultError } from '../errors.js'
import type { ClaimDueRequest, DueClaim, FailNext, InboxStore } from '../stores/inbox-store.js'
import type { RecordId } from '../stores/store.js'

/** How often a worker looks for what is due when nothing tells it to. */
const LOOK_EVERY_MS = 1_000

/** What one look takes at most: what is taken waits for nobody, and its lease runs. */
const MOST_AT_ONCE = 100

/** The last error of an attempt that was given back before it began. */
const NOT_BEGUN = 'the attempt did not begin'

/** What a worker does with the due records of one scope. */
export interface DueWork<T> {
  scope: string
  /** How many attempts may run at once. */
  concurrency: number
  timing: Pick<Timing, 'leaseMs' | 'lockTtlMs'>
  maxLosses: number
  /** Reserves room for at most so many attempts, and says for how many there is. Default: for all. */
  reserve?(most: number): number
  /** So many of those that room was reserved for were not there to be taken. */
  unneeded?(count: number): void
  run(due: DueClaim, attempt: AbortableAttempt, commit: Commit<T> | undefined): Promise<Settlement<T>>
  /** What is to come after an attempt that had no result to record. */
  next(
    due: DueClaim,
    end: AttemptEnd<T> & { end: 'given_back' | 'threw' | 'unreachable' },
    requestId: string | null,
  ): FailNext
  ended(due: DueClaim, end: AttemptEnd<T>): void
  /** What ran has come to its very end, and its room is free. */
  settled(): void
}

export interface Worker {
  /** Something may be due, or there may be room again. */
  wake(): void
  /** Takes nothing more; resolves when nothing runs any more. */
  stop(): Promise<void>
}

/** Takes due records of a scope under leases and runs their attempts, as many at once as it may. */
export class DueWorker<T> implements Worker {
  readonly #context: HoldContext
  readonly #store: InboxStore
  readonly #work: DueWork<T>
  readonly #holds = new Set<Hold<T>>()
  readonly #endWatch: (() => void) | undefined
  #active = 0
  #looking = false
  #lookAgain = false
  #cancelTimer: () => void = () => {}
  #stopped = false
  #idle: (() => void) | undefined

  constructor(context: HoldContext, store: InboxStore, work: DueWork<T>) {
    this.#context = context
    this.#store = store
    this.#work = work
    this.#endWatch = store.watchDue?.(work.scope, () => this.wake())
    this.wake()
  }

  wake(): void {
    if (this.#looking) this.#lookAgain = true
    else void this.#look()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#endWatch?.()
    this.#cancelTimer()
    if (this.#active === 0 && !this.#looking) return
    await new Promise<void>(resolve => {
      this.#idle = resolve
    })
  }

  get scope(): string {
    return this.#work.scope
  }

  /** How many attempts run. */
  get running(): number {
    return this.#holds.size
  }

  /** Aborts the signal of every attempt that runs. */
  abort(reason: Error): void {
    for (const hold of this.#holds) hold.abort(reason)
  }

  /** The record was deleted: its attempt has nothing to hold any more. */
  lose({ scope, key }: RecordId): void {
    for (const hold of this.#holds) if (hold.id.scope === scope && hold.id.key === key) hold.lose('deleted')
  }

  async #look(): Promise<void> {
    this.#looking = true
    do {
      this.#lookAgain = false
      const most = Math.min(this.#work.concurrency - this.#active, MOST_AT_ONCE)
      if (most < 1 || this.#stopped) break
      const room = this.#reserve(most)
      if (room < 1) break
      const taken = await this.#take(room)
      if (taken < room) this.#work.unneeded?.(room - taken)
      // As many as there was room for: there may be more.
      else this.#lookAgain = true
    } while (this.#lookAgain)
    this.#looking = false
    this.#cancelTimer()
    if (this.#stopped) this.#rest()
    else this.#cancelTimer = this.#context.clock.after(jittered(LOOK_EVERY_MS), () => this.wake())
  }

  #reserve(most: number): number {
    return this.#work.reserve?.(most) ?? most
  }

  /** Takes what is due and begins it; says how many that were. */
  async #take(limit: number): Promise<number> {
    const { clock } = this.#context
    const { scope, timing, maxLosses } = this.#work
    const { leaseMs, lockTtlMs } = timing
    const request = { scope, limit, leaseId: newLeaseId(), leaseMs, lockTtlMs, maxLosses }
    const sentAt = clock.monotonic()
    const isOver = () => clock.monotonic() >= sentAt + leaseMs || this.#stopped
    let taken: Set<string> | undefined
    const begin = (claims: DueClaim[], hasRoom: () => boolean): void => {
      if (claims.length === 0) return
      taken ??= new Set()
      const renewFirst = clock.monotonic() >= sentAt + leaseMs / 2
      const toRenew: DueClaim[] = []
      for (const due of claims) {
        const name = `${due.attempt} ${due.key}`
        if (taken.has(name)) continue
        taken.add(name)
        // Where this process was stopped meanwhile, or is about to end, others may have it.
        if (isOver() || !hasRoom()) this.#release(due, request)
        else if ((renewFirst || due.tookOver) && this.#resultOf(due) === undefined) toRenew.push(due)
        else this.#begin(due, request, sentAt)
      }
      void this.#renewAndBegin(toRenew, request, sentAt)
    }
    const claims = await firstAnswer(
      { ...this.#context, giveUpAt: sentAt + leaseMs, isOver, failed: this.#failedTo('claim') },
      'claim_due',
      again => this.#store.claimDue({ ...request, again }),
      // Of what was asked more than once a later answer may have taken more.
      late => begin(late, () => this.#active < this.#work.concurrency && this.#reserve(1) === 1),
    )
    if (claims === undefined || isOver()) {
      begin(claims ?? [], () => false)
      return 0
    }
    begin(claims, () => true)
    return claims.length
  }

  /**
   * Begins what another took before, or what was taken long ago, once its lease is renewed: from then on the attempt counts
   * as one that began. So what ends its process each time dies, and what never began does not. One after the other: a
   * store that does not answer is not asked for each; what it holds is due again when the lease is over.
   */
  async #renewAndBegin(claims: DueClaim[], request: ClaimDueRequest, takenAt: number): Promise<void> {
    const { clock } = this.#context
    const { leaseId, leaseMs } = request
    const giveUpAt = takenAt + leaseMs
    const isOver = () => clock.monotonic() >= giveUpAt || this.#stopped
    this.#active += claims.length
    let isSilent = false
    for (const due of claims) {
      let renewedAt = 0
      const renew = (again: boolean) => {
        if (!again) renewedAt = clock.monotonic()
        return this.#store.renew(due, leaseId, leaseMs)
      }
      const repeating = { ...this.#context, giveUpAt, isOver, failed: this.#failedTo('renew', due.key) }
      const outcome: 'renewed' | 'lost' | undefined = isSilent
        ? undefined
        : await firstAnswer(repeating, 'renew', renew)
      isSilent ||= outcome === undefined
      this.#active--
      if (outcome === 'renewed' && !this.#stopped) this.#begin(due, request, takenAt, renewedAt)
      else {
        if (this.#stopped) this.#release(due, request)
        this.#work.unneeded?.(1)
        this.#next()
      }
    }
  }

  #release(due: DueClaim, { leaseId }: ClaimDueRequest): void {
    void this.#store.fail(due, leaseId, NOT_BEGUN, { dueInMs: 0, notBegun: true }).catch(ignore)
  }

  #begin(
    due: DueClaim,
    { leaseId, leaseMs, lockTtlMs, maxLosses }: ClaimDueRequest,
    sentAt: number,
    renewedAt = sentAt,
  ): void {
    const { scope, key, attempt: number, fencingToken, tookOver } = due
    // What is fixed at acceptance is not claimed again.
    const request = { scope, key, fingerprint: null, leaseId, leaseMs, lockTtlMs, maxLosses, retentionMs: 0 }
    const next: Claimed<T>['next'] = (end, requestId) => this.#work.next(due, end, requestId)
    // Which delivery it is for is read out of the record.
    const claimed = { request, number, fencingToken, sentAt, renewedAt, tookOver, requestId: null, next }
    const ended = (end: AttemptEnd<T>) => this.#work.ended(due, end)
    const hold = new Hold<T>(this.#context, claimed, ended, () => {
      this.#holds.delete(hold)
      this.#active--
      this.#work.settled()
      this.#next()
    })
    const result = due.tookOver ? this.#resultOf(due) : undefined
    this.#active++
    this.#holds.add(hold)
    hold.run((attempt, commit) => (result ? Promise.resolve(result) : this.#work.run(due, attempt, commit)))
  }

  /** What an attempt before came to in this process, if that did not reach the store yet: it is not run again for. */
  #resultOf({ key }: DueClaim): Settlement<T> | undefined {
    for (const hold of this.#holds) if (hold.id.key === key && hold.offered !== undefined) return hold.offered
    return undefined
  }

  /** There is room again. */
  #next(): void {
    if (this.#stopped) this.#rest()
    else this.wake()
  }

  #failedTo(operation: 'claim' | 'renew', key: string | null = null) {
    const { scope } = this.#work
    return (error: unknown) =>
      this.#context.report({ type: 'store_failed', scope, key, requestId: null, operation, error })
  }

  #rest(): void {
    if (this.#active === 0 && !this.#looking) this.#idle?.()
  }
}

/** What an attempt is told that is aborted because its process ends. */
export const shuttingDown = (): NoResultError => new NoResultError('attempt_lost', 'this process is shutting down')

function ignore(): void {}
