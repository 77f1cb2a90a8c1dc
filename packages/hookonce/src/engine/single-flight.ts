import type { StoredRecord } from '../stores/store.js'
import { type ClaimTerms, claim } from './claim.js'
import type { EngineContext } from './context.js'
import type { Lease } from './lease.js'
import { LeasedAttempt, type Work } from './leased-attempt.js'
import { type Outcome, outcomesOf } from './outcome.js'
import { RecordWatch } from './record-watch.js'
import { callStore } from './store-call.js'

/** A request for the key that waits for an outcome. */
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

/**
 * All requests for one key in this process: one claim and one watch for them together.
 *
 * It claims on behalf of its oldest request. Once it ran an attempt it never runs another: all requests that waited for
 * that attempt get its outcome.
 */
export class SingleFlight<T> {
  readonly #context: EngineContext
  readonly #terms: ClaimTerms
  readonly #setOpen: (isOpen: boolean) => void
  readonly #waiters = new Set<Waiter<T>>()
  #isClaiming = false
  #isStoreSilent = false

  /**
   * @param setOpen called with `false` when later requests must start a flight of their own, and with `true` when they
   * join this one again, unless another was started meanwhile
   */
  constructor(context: EngineContext, terms: ClaimTerms, setOpen: (isOpen: boolean) => void) {
    this.#context = context
    this.#terms = terms
    this.#setOpen = setOpen
  }

  /** One more request: shares the flight's outcome, for as long as it is willing to wait. */
  join(work: Work<T>, waitMs: number, requestId: string | null): Promise<Outcome<T>> {
    return new Promise(resolve => {
      const waiter: Waiter<T> = { work, waitMs, requestId, resolve }
      this.#waiters.add(waiter)
      this.#wait(waiter)
    })
  }

  /** The first request: starts the flight, and calls `landed` when nothing of it is in progress any more. */
  lead(work: Work<T>, waitMs: number, requestId: string | null, landed: () => void): Promise<Outcome<T>> {
    return new Promise(resolve => {
      const leader: Waiter<T> = { work, waitMs, requestId, resolve }
      this.#waiters.add(leader)
      void this.#fly(leader).then(landed)
    })
  }

  async #fly(first: Waiter<T>): Promise<void> {
    for (let runner: Waiter<T> | undefined = first; runner !== undefined; runner = this.#takeOldest()) {
      this.#isClaiming = true
      const claimed = await claim(this.#context, this.#terms, runner.requestId)
      this.#isClaiming = false
      switch (claimed.status) {
        case 'acquired':
          return this.#run(runner, claimed.lease)
        case 'completed': {
          const { result, completedAt } = claimed
          return this.#close({ kind: 'replayed', joined: false, result, completedAt })
        }
        case 'mismatch':
          return this.#close({ kind: 'mismatch' })
        case 'exhausted': {
          const { losses } = claimed
          const { scope, key } = this.#terms
          this.#context.report({ type: 'attempts_exhausted', scope, key, requestId: runner.requestId, losses })
          return this.#close({ kind: 'attempts_exhausted', losses })
        }
        case 'unavailable':
          return this.#close({ kind: 'store_unavailable' })
      }
      // Another process runs it: its result is everybody's answer, unless the key becomes free before.
      this.#dismissLate()
      if (this.#waiters.has(runner)) this.#wait(runner)
      const seen = await this.#watch(claimed.leaseRemainingMs)
      if (seen !== 'free') return this.#close(seen)
    }
    this.#close({ kind: 'in_progress' })
  }

  async #run(owner: Waiter<T>, lease: Lease): Promise<void> {
    this.#waiters.delete(owner)
    this.#dismissLate()
    let isOffered = false
    const attempt = new LeasedAttempt<T>(this.#context, lease, {
      requestId: owner.requestId,
      lateResult: () => {
        isOffered = true
        this.#isStoreSilent = true
        this.#setOpen(true)
      },
    })
    const settled = attempt.run(owner.work)

    const ended = await attempt.ended
    const [own, others] = outcomesOf(ended)
    let lookedUp: Promise<void> | undefined
    if (ended.end === 'lost' || ended.end === 'fenced') {
      this.#setOpen(false)
      this.#waitAgain(owner)
      lookedUp = this.#lookUp(own, lease.id)
    } else {
      owner.resolve(own)
      isOffered = ended.end === 'unreachable' && ended.isOffered === true
      if (isOffered) this.#isStoreSilent = true
      else this.#setOpen(false)
      this.#settle(others)
    }

    const last = await settled
    if (isOffered && last !== undefined) {
      const [, outcome] = outcomesOf(last)
      this.#setOpen(false)
      if (last.end === 'fenced') lookedUp = this.#lookUp(outcome, lease.id)
      else this.#settle(outcome)
    }
    await lookedUp
  }

  #waitAgain(owner: Waiter<T>): void {
    delete owner.until
    this.#waiters.add(owner)
    this.#wait(owner)
  }

  /** The attempt lost its key: what the record says is everybody's answer, or `otherwise`. */
  async #lookUp(otherwise: Outcome<T>, ownLeaseId: string): Promise<void> {
    const seen = await this.#watch(0, ownLeaseId)
    this.#settle(seen === 'free' ? otherwise : seen)
  }

  /**
   * Reads the record until it has an outcome or is free to be claimed; never claims. Ends early when nobody waits.
   *
   * @param ownLeaseId the lease of this flight's own, lost attempt: while it stands there is nothing to wait for
   */
  async #watch(leaseRemainingMs: number, ownLeaseId?: string): Promise<Outcome<T> | 'free'> {
    const { clock, store } = this.#context
    const watch = new RecordWatch(clock, store, this.#terms)
    try {
      return await this.#read(watch, leaseRemainingMs, ownLeaseId)
    } finally {
      watch.stop()
    }
  }

  async #read(watch: RecordWatch, leaseRemainingMs: number, ownLeaseId?: string): Promise<Outcome<T> | 'free'> {
    const { store, report } = this.#context
    const { scope, key, leaseMs } = this.#terms
    let remainingMs = leaseRemainingMs
    for (;;) {
      if (ownLeaseId === undefined || remainingMs > 0) await watch.change(remainingMs + 1)
      if (this.#waiters.size === 0) return 'free'
      try {
        const record = await callStore(this.#context, 'get', () => store.get(this.#terms))
        this.#isStoreSilent = false
        // The lost attempt may still stand there, or have been given back by its handler: nobody else ran.
        if (record?.leaseId === ownLeaseId && record?.state !== 'completed') return 'free'
        const seen = this.#outcomeOf(record)
        if (seen !== 'running') return seen
        remainingMs = record?.leaseRemainingMs ?? 0
      } catch (error) {
        report({ type: 'store_failed', scope, key, requestId: null, operation: 'get', error })
        if (ownLeaseId !== undefined) return 'free'
        this.#isStoreSilent = true
        remainingMs = leaseMs
      }
    }
  }

  #outcomeOf(record: StoredRecord | undefined): Outcome<T> | 'free' | 'running' {
    if (record === undefined) return 'free'
    const { fingerprint } = this.#terms
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
    const { clock, waiting } = this.#context
    if (!waiting.enter()) {
      this.#dismiss(waiter)
      return
    }
    waiter.until ??= clock.monotonic() + waiter.waitMs
    const cancel = clock.after(Math.max(0, waiter.until - clock.monotonic()), () => {
      if (this.#isClaiming) waiter.late = true
      else this.#dismiss(waiter)
    })
    waiter.stopWaiting = () => {
      cancel()
      waiting.leave()
      delete waiter.stopWaiting
    }
  }

  #dismiss(waiter: Waiter<T>): void {
    this.#waiters.delete(waiter)
    waiter.stopWaiting?.()
    waiter.resolve({ kind: this.#isStoreSilent ? 'store_unavailable' : 'in_progress' })
  }

  #dismissLate(): void {
    for (const waiter of this.#waiters) if (waiter.late) this.#dismiss(waiter)
  }

  /** The request that has waited longest; its wait is over, it is the one to claim. */
  #takeOldest(): Waiter<T> | undefined {
    const [oldest] = this.#waiters
    oldest?.stopWaiting?.()
    return oldest
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
