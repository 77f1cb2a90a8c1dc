import { asked, jittered } from './asking.js'
import type { AbortableAttempt } from './attempt.js'
import type { Commit, Settlement } from './committing.js'
import { NoResultError } from './errors.js'
import { type AttemptEnd, Hold, type HoldContext } from './holding.js'
import type { ClaimDueRequest, DueClaim, FailNext, InboxStore } from './inbox-store.js'
import { newLeaseId } from './lease-id.js'
import type { Timing } from './settings.js'
import type { RecordId } from './store.js'

/** How often a worker looks for what is due when nothing tells it to. */
const LOOK_EVERY_MS = 1_000

/** What one look takes at most: what is taken waits for nobody, and its lease runs. */
const MOST_AT_ONCE = 100

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
  next(due: DueClaim, end: AttemptEnd<T> & { end: 'given_back' | 'threw' | 'unreachable' }): FailNext
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
      const room = this.#work.reserve?.(most) ?? most
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

  /** Takes what is due and begins it; says how many that were. */
  async #take(limit: number): Promise<number> {
    const { clock } = this.#context
    const { scope, timing, maxLosses } = this.#work
    const { leaseMs, lockTtlMs } = timing
    const request = { scope, limit, leaseId: newLeaseId(), leaseMs, lockTtlMs, maxLosses }
    const sentAt = clock.monotonic()
    try {
      const claims = await asked(this.#context, 'claim_due', () => this.#store.claimDue(request))
      // This process was stopped meanwhile, or is about to end: others may have them.
      const late = clock.monotonic() >= sentAt + leaseMs || this.#stopped
      for (const due of claims) {
        if (late) void this.#store.fail(due, request.leaseId, 'taken too late', { dueInMs: 0 }).catch(() => {})
        else this.#begin(due, request, sentAt)
      }
      return late ? 0 : claims.length
    } catch (error) {
      // What an answer that was lost has taken is due again when the leases are over.
      this.#context.report({ type: 'store_failed', scope, key: null, operation: 'claim', error })
      return 0
    }
  }

  #begin(due: DueClaim, { leaseId, leaseMs, lockTtlMs, maxLosses }: ClaimDueRequest, sentAt: number): void {
    const { scope, key, attempt: number, fencingToken } = due
    // What is fixed at acceptance is not claimed again.
    const request = { scope, key, fingerprint: null, leaseId, leaseMs, lockTtlMs, maxLosses, retentionMs: 0 }
    const next = (end: Parameters<DueWork<T>['next']>[1]) => this.#work.next(due, end)
    const ended = (end: AttemptEnd<T>) => this.#work.ended(due, end)
    const hold = new Hold<T>(this.#context, { request, number, fencingToken, sentAt, next }, ended, () => {
      this.#holds.delete(hold)
      this.#active--
      this.#work.settled()
      if (this.#stopped) this.#rest()
      else this.wake()
    })
    this.#active++
    this.#holds.add(hold)
    hold.run((attempt, commit) => this.#work.run(due, attempt, commit))
  }

  #rest(): void {
    if (this.#active === 0 && !this.#looking) this.#idle?.()
  }
}

/** What an attempt is told that is aborted because its process ends. */
export const shuttingDown = (): NoResultError => new NoResultError('attempt_lost', 'this process is shutting down')
