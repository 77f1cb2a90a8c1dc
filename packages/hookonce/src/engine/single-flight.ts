import type { ClaimRequest, RecordId, StoredRecord } from '../stores/store.js'
import { claim } from './claim.js'
import { newLeaseId } from './lease-id.js'
import { type AttemptEnd, type Claimed, Hold, type HoldContext, type Work } from './leased-attempt.js'
import { type Outcome, outcomesOf } from './outcome.js'
import { Pauses } from './record-watch.js'
import { asked } from './store-call.js'

export interface FlightContext extends HoldContext {
  /** Room for one waiter more in this process, or not. */
  admit(): boolean
  leave(): void
}

/** A request that waits for a flight's end. */
interface Waiter<T> {
  work: Work<T>
  waitMs: number
  requestId: string | null
  resolve(outcome: Outcome<T>): void
  /** When its wait is over, on the monotonic clock; set when it starts to wait. */
  until?: number
  /** Set while the wait is limited and counted. */
  stopWaiting?: () => void
  /** Its wait was over while the claim was still on its way. */
  late?: boolean
}

/** What is asked for a key, the same for all requests of a flight. */
export type FlightRequest = Omit<ClaimRequest, 'leaseId'>

/**
 * The join entry of a key: all requests for it in this process, one claim and one watcher for them together.
 *
 * It claims on behalf of its oldest request. Once it ran an attempt it never runs another: whoever waited for that
 * attempt gets what became of it.
 */
export class Flight<T> {
  readonly #context: FlightContext
  readonly #request: FlightRequest
  readonly #waiters = new Set<Waiter<T>>()
  readonly #setOpen: (isOpen: boolean) => void
  readonly #landed: () => void
  #claiming = false
  #storeSilent = false
  #hold: Hold<T> | undefined

  /**
   * @param setOpen called with `false` when requests that come from now on must start a flight of their own, and with
   * `true` when they should join this one again, unless they did start one
   * @param landed called once, when nothing of the flight is in progress any more
   */
  constructor(context: FlightContext, request: FlightRequest, setOpen: (isOpen: boolean) => void, landed: () => void) {
    this.#context = context
    this.#request = request
    this.#setOpen = setOpen
    this.#landed = landed
  }

  get id(): RecordId {
    return this.#request
  }

  get hold(): Hold<T> | undefined {
    return this.#hold
  }

  /** The first request: starts the flight. */
  lead(work: Work<T>, waitMs: number, requestId: string | null): Promise<Outcome<T>> {
    return new Promise(resolve => {
      const leader: Waiter<T> = { work, waitMs, requestId, resolve }
      this.#waiters.add(leader)
      this.#fly(leader)
    })
  }

  /** One more request: shares what the flight comes to, for as long as it is willing to wait. */
  join(work: Work<T>, waitMs: number, requestId: string | null): Promise<Outcome<T>> {
    return new Promise(resolve => {
      const waiter: Waiter<T> = { work, waitMs, requestId, resolve }
      this.#waiters.add(waiter)
      this.#wait(waiter)
    })
  }

  /** Claims on behalf of `runner`. */
  #fly(runner: Waiter<T>): void {
    this.#claiming = true
    // By name: a spread that adds a field costs ten times as much.
    const { scope, key, fingerprint, label = null, leaseMs, lockTtlMs, retentionMs, maxLosses } = this.#request
    const leaseId = newLeaseId()
    const request = { scope, key, fingerprint, label, leaseId, leaseMs, lockTtlMs, retentionMs, maxLosses }
    claim(this.#context, request, runner.requestId, claimed => {
      if (claimed === 'late') return this.#fly(runner)
      this.#claiming = false
      if (claimed === 'unavailable') return this.#land({ kind: 'store_unavailable' })
      const { outcome, sentAt } = claimed
      switch (outcome.status) {
        case 'acquired': {
          this.#waiters.delete(runner)
          const { attempt: number, fencingToken, tookOver } = outcome
          return this.#run(runner, { request, sentAt, number, fencingToken, tookOver, requestId: runner.requestId })
        }
        case 'completed': {
          const { result, completedAt } = outcome
          return this.#land({ kind: 'replayed', joined: false, result, completedAt })
        }
        case 'mismatch':
          return this.#land({ kind: 'mismatch' })
        case 'exhausted':
          this.#context.report({
            type: 'attempts_exhausted',
            scope,
            key,
            requestId: runner.requestId,
            losses: outcome.losses,
          })
          return this.#land({ kind: 'attempts_exhausted', losses: outcome.losses })
        case 'running':
          void this.#waitThenFly(runner, outcome.leaseRemainingMs)
      }
    })
  }

  /** Another process runs it: its result is everybody's answer, unless the key becomes free before. */
  async #waitThenFly(runner: Waiter<T>, leaseRemainingMs: number): Promise<void> {
    this.#dismissLate()
    if (this.#waiters.has(runner)) this.#wait(runner)
    const seen = await this.#watch(leaseRemainingMs)
    if (seen !== 'free') return this.#land(seen)
    const next = this.#takeOldest()
    if (next === undefined) this.#land({ kind: 'in_progress' })
    else this.#fly(next)
  }

  #run(owner: Waiter<T>, claimed: Claimed): void {
    let looked: Promise<void> | undefined
    /** The owner was answered without the result, which is still on its way to the store. */
    let stillOffered = false
    const offerOn = () => {
      stillOffered = true
      this.#storeSilent = true
    }
    const lookFor = (otherwise: Outcome<T>) => {
      looked = this.#lookFor(otherwise, claimed.request.leaseId)
    }
    const ended = (end: AttemptEnd<T>) => {
      this.#hold = undefined
      const [own, others] = outcomesOf(end)
      if (end.end === 'lost' || end.end === 'fenced') {
        this.#setOpen(false)
        this.#waitAgain(owner)
        return lookFor(own)
      }
      owner.resolve(own)
      if (end.end !== 'unreachable' || !end.isOffered) return this.#close(others)
      offerOn()
      this.#settle(others)
    }
    const settled = (end?: AttemptEnd<T>) => {
      if (stillOffered && end !== undefined) {
        const [, others] = outcomesOf(end)
        this.#setOpen(false)
        if (end.end === 'fenced') lookFor(others)
        else this.#settle(others)
      }
      if (looked === undefined) this.#landed()
      else void looked.then(this.#landed)
    }
    const offeredLate = () => {
      offerOn()
      this.#setOpen(true)
    }
    const hold = new Hold<T>(this.#context, claimed, ended, settled, offeredLate)
    this.#hold = hold
    this.#dismissLate()
    hold.run(owner.work)
  }

  #waitAgain(owner: Waiter<T>): void {
    delete owner.until
    this.#waiters.add(owner)
    this.#wait(owner)
  }

  /** The attempt lost its key: what became of that is everybody's answer, or `otherwise`. */
  async #lookFor(otherwise: Outcome<T>, ownLeaseId: string): Promise<void> {
    const seen = await this.#watch(0, ownLeaseId)
    this.#settle(seen === 'free' ? otherwise : seen)
  }

  /**
   * Reads the record until it tells an outcome or is free to be claimed; never claims. Ends early when nobody waits.
   *
   * @param ownLeaseId the lease of this flight's own, lost attempt: while it stands there is nothing to wait for
   */
  async #watch(leaseRemainingMs: number, ownLeaseId?: string): Promise<Outcome<T> | 'free'> {
    const pauses = new Pauses(this.#context, this.#request)
    try {
      return await this.#look(pauses, leaseRemainingMs, ownLeaseId)
    } finally {
      pauses.end()
    }
  }

  async #look(pauses: Pauses, leaseRemainingMs: number, ownLeaseId: string | undefined): Promise<Outcome<T> | 'free'> {
    const { store } = this.#context
    let remaining = leaseRemainingMs
    for (;;) {
      if (ownLeaseId === undefined || remaining > 0) await pauses.next(remaining + 1)
      if (this.#waiters.size === 0) return 'free'
      try {
        const record = await asked(this.#context, 'get', () => store.get(this.#request))
        this.#storeSilent = false
        // The lost attempt may still stand there, or have been given back by its handler: nobody else ran.
        if (record?.leaseId === ownLeaseId && record?.state !== 'completed') return 'free'
        const seen = this.#read(record)
        if (seen !== 'running') return seen
        remaining = record?.leaseRemainingMs ?? 0
      } catch (error) {
        const { scope, key } = this.id
        this.#context.report({ type: 'store_failed', scope, key, requestId: null, operation: 'get', error })
        if (ownLeaseId !== undefined) return 'free'
        this.#storeSilent = true
        remaining = this.#request.leaseMs
      }
    }
  }

  #read(record: StoredRecord | undefined): Outcome<T> | 'free' | 'running' {
    if (record === undefined) return 'free'
    const { fingerprint } = this.#request
    if (fingerprint !== null && record.fingerprint !== null && record.fingerprint !== fingerprint) {
      return { kind: 'mismatch' }
    }
    switch (record.state) {
      case 'completed':
        return { kind: 'replayed', joined: false, result: record.result!, completedAt: record.settledAt! }
      case 'failed':
        return { kind: 'attempt_failed' }
      case 'running':
        return record.leaseRemainingMs > 0 ? 'running' : 'free'
      case 'dead':
        return { kind: 'attempts_exhausted', losses: record.losses }
      case 'pending':
        return 'free'
    }
  }

  /** From here on the wait of this request is limited in time and takes up room. */
  #wait(waiter: Waiter<T>): void {
    if (!this.#context.admit()) {
      this.#dismiss(waiter)
      return
    }
    const { clock } = this.#context
    waiter.until ??= clock.monotonic() + waiter.waitMs
    const cancel = clock.after(Math.max(0, waiter.until - clock.monotonic()), () => {
      if (this.#claiming) waiter.late = true
      else this.#dismiss(waiter)
    })
    waiter.stopWaiting = () => {
      cancel()
      this.#context.leave()
      delete waiter.stopWaiting
    }
  }

  #dismiss(waiter: Waiter<T>): void {
    this.#waiters.delete(waiter)
    waiter.stopWaiting?.()
    waiter.resolve({ kind: this.#storeSilent ? 'store_unavailable' : 'in_progress' })
  }

  #dismissLate(): void {
    for (const waiter of this.#waiters) if (waiter.late) this.#dismiss(waiter)
  }

  /** The request that has waited longest; its wait is over, it is the one to claim. */
  #takeOldest(): Waiter<T> | undefined {
    for (const waiter of this.#waiters) {
      waiter.stopWaiting?.()
      return waiter
    }
    return undefined
  }

  #land(outcome: Outcome<T>): void {
    this.#close(outcome)
    this.#landed()
  }

  #close(outcome: Outcome<T>): void {
    this.#setOpen(false)
    this.#settle(outcome)
  }

  #settle(outcome: Outcome<T>): void {
    for (const waiter of this.#waiters) {
      waiter.stopWaiting?.()
      waiter.resolve(outcome)
    }
    this.#waiters.clear()
  }
}
