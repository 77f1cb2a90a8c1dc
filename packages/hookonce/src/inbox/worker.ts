import type { AbortableAttempt } from '../engine/attempt.js'
import type { AttemptEnd, EndWithoutResult } from '../engine/attempt-end.js'
import type { Commit, Settlement } from '../engine/commit.js'
import type { EngineContext } from '../engine/context.js'
import { type Lease, newLeaseId } from '../engine/lease.js'
import { LeasedAttempt } from '../engine/leased-attempt.js'
import { callUntilAnswered, jittered, wasRefused } from '../engine/store-call.js'
import type { Timing } from '../engine/timing.js'
import type { ClaimDueRequest, DueClaim, FailNext, InboxStore } from '../stores/inbox-store.js'

/** How often a worker asks for what is due when nothing wakes it. */
const POLL_EVERY_MS = 1_000

/** The most that one call claims: their leases run while they wait to begin. */
const LARGEST_BATCH = 100

/** The last error of an attempt that was given back before it began. */
const NOT_BEGUN = 'the attempt did not begin'

/** What a worker does with the due records of one scope. */
export interface DueWork<T> {
  scope: string
  /** How many attempts may run at once. */
  concurrency: number
  timing: Pick<Timing, 'leaseMs' | 'lockTtlMs'>
  maxLosses: number
  /** Reserves room for at most so many attempts, and returns for how many there is. Default: for all. */
  reserve?(most: number): number
  /** So many reservations are not used. */
  release?(count: number): void
  run(due: DueClaim, attempt: AbortableAttempt, commit: Commit<T> | undefined): Promise<Settlement<T>>
  /** What follows an attempt that had no result to record. */
  next(due: DueClaim, end: EndWithoutResult<T>, requestId: string | null): FailNext
  ended(due: DueClaim, end: AttemptEnd<T>): void
  /** A handler has come to its very end, and its room is free. */
  settled(): void
}

/** Claims due records of a scope under leases and runs their attempts, as many at once as it may. */
export class Worker<T> {
  readonly scope: string
  readonly #context: EngineContext
  readonly #store: InboxStore
  readonly #work: DueWork<T>
  readonly #unwatch: (() => void) | undefined
  /** Attempts that run, and records whose lease is renewed before they do. */
  #active = 0
  #isClaiming = false
  #claimAgain = false
  #cancelTimer: () => void = () => {}
  #isStopped = false
  #whenIdle: (() => void) | undefined

  constructor(context: EngineContext, store: InboxStore, work: DueWork<T>) {
    this.scope = work.scope
    this.#context = context
    this.#store = store
    this.#work = work
    this.#unwatch = store.watchDue?.(work.scope, () => this.wake())
    this.wake()
  }

  /** Something may be due, or there may be room again. */
  wake(): void {
    if (this.#isClaiming) this.#claimAgain = true
    else void this.#claimAll()
  }

  /** Claims nothing more; resolves when nothing runs any more. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#unwatch?.()
    this.#cancelTimer()
    if (this.#active === 0 && !this.#isClaiming) return
    await new Promise<void>(resolve => {
      this.#whenIdle = resolve
    })
  }

  async #claimAll(): Promise<void> {
    this.#isClaiming = true
    do {
      this.#claimAgain = false
      const most = Math.min(this.#work.concurrency - this.#active, LARGEST_BATCH)
      if (most < 1 || this.#isStopped) break
      const room = this.#reserve(most)
      if (room < 1) break
      const begun = await this.#claimBatch(room)
      if (begun < room) this.#work.release?.(room - begun)
      // As many as there was room for: there may be more.
      else this.#claimAgain = true
    } while (this.#claimAgain)
    this.#isClaiming = false
    this.#cancelTimer()
    if (this.#isStopped) this.#rest()
    else this.#cancelTimer = this.#context.clock.after(jittered(POLL_EVERY_MS), () => this.wake())
  }

  #reserve(most: number): number {
    return this.#work.reserve?.(most) ?? most
  }

  /** Claims what is due and begins it; returns how many records that were. */
  async #claimBatch(limit: number): Promise<number> {
    const { clock } = this.#context
    const { timing, maxLosses } = this.#work
    const { leaseMs, lockTtlMs } = timing
    const request = { scope: this.scope, limit, leaseId: newLeaseId(), leaseMs, lockTtlMs, maxLosses }
    const claimedAt = clock.monotonic()
    const giveUpAt = claimedAt + leaseMs
    const isOver = () => clock.monotonic() >= giveUpAt || this.#isStopped
    const known = new Set<string>()
    const begin = (claims: DueClaim[], hasRoom: () => boolean): void => {
      const fresh = claims.filter(({ attempt, key }) => !known.has(`${attempt} ${key}`))
      for (const { attempt, key } of fresh) known.add(`${attempt} ${key}`)
      this.#beginAll(
        fresh.map(due => ({ due, lease: leaseOf(due, request, claimedAt) })),
        // Where this process was stopped meanwhile, or is about to end, others may have it.
        () => !isOver() && hasRoom(),
      )
    }
    const reportFailure = this.#reportFailure('claim')
    let nothingWritten = false
    const claims = await callUntilAnswered(
      this.#context,
      'claim_due',
      again => this.#store.claimDue({ ...request, again }),
      {
        giveUpAt,
        isOver: () => nothingWritten || isOver(),
        failed(error, call) {
          nothingWritten = call === 1 && wasRefused(error)
          reportFailure(error)
        },
        // Of what was sent more than once a later answer may have claimed more.
        late: more => begin(more, () => this.#active < this.#work.concurrency && this.#reserve(1) === 1),
      },
    )
    if (claims === undefined || isOver()) {
      begin(claims ?? [], () => false)
      return 0
    }
    begin(claims, () => true)
    return claims.length
  }

  #beginAll(claims: Claim[], mayBegin: () => boolean): void {
    const { clock } = this.#context
    const toRenew: Claim[] = []
    for (const claim of claims) {
      const { leaseMs, claimedAt, tookOver } = claim.lease
      const isLate = clock.monotonic() >= claimedAt + leaseMs / 2
      if (!mayBegin()) this.#giveBack(claim)
      else if ((isLate || tookOver) && this.#resultOf(claim.lease) === undefined) toRenew.push(claim)
      else this.#begin(claim)
    }
    void this.#renewAndBegin(toRenew)
  }

  /**
   * Begins what was taken over, or claimed long ago, once its lease is renewed: from then on the attempt counts as one
   * that began. So what ends its process each time dies, and what never began does not. One after the other: a store
   * that does not answer is not called for each; what it holds is due again when the lease is over.
   */
  async #renewAndBegin(claims: Claim[]): Promise<void> {
    const { clock } = this.#context
    this.#active += claims.length
    let isSilent = false
    for (const claim of claims) {
      const renewedAt = clock.monotonic()
      const outcome: 'renewed' | 'lost' | undefined = isSilent ? undefined : await this.#renew(claim.lease)
      isSilent ||= outcome === undefined
      this.#active--
      if (outcome === 'renewed' && !this.#isStopped) this.#begin({ ...claim, lease: { ...claim.lease, renewedAt } })
      else {
        if (this.#isStopped) this.#giveBack(claim)
        this.#work.release?.(1)
        this.#next()
      }
    }
  }

  #renew(lease: Lease): Promise<'renewed' | 'lost' | undefined> {
    const { clock } = this.#context
    const giveUpAt = lease.claimedAt + lease.leaseMs
    return callUntilAnswered(this.#context, 'renew', () => this.#store.renew(lease, lease.id, lease.leaseMs), {
      giveUpAt,
      isOver: () => clock.monotonic() >= giveUpAt || this.#isStopped,
      failed: this.#reportFailure('renew', lease.key),
    })
  }

  #giveBack({ lease }: Claim): void {
    void this.#store
      .fail(lease, lease.id, { error: NOT_BEGUN, outcome: 'not_begun' }, { dueInMs: 0, notBegun: true })
      .catch(ignore)
  }

  #begin({ due, lease }: Claim): void {
    const attempt = new LeasedAttempt<T>(this.#context, lease, {
      // Which delivery it is for is read out of the record.
      requestId: null,
      next: (end, requestId) => this.#work.next(due, end, requestId),
    })
    const result = lease.tookOver ? this.#resultOf(lease) : undefined
    this.#active++
    void attempt.ended.then(end => this.#work.ended(due, end))
    void attempt
      .run(async (attempt, commit) => result ?? this.#work.run(due, attempt, commit))
      .then(() => {
        this.#active--
        this.#work.settled()
        this.#next()
      })
  }

  /** The result of an attempt of this process that has not reached the store yet: the handler does not run again. */
  #resultOf(lease: Lease): Settlement<T> | undefined {
    const holder = this.#context.running.of(lease).find(({ offered }) => offered !== undefined)
    return holder?.offered as Settlement<T> | undefined
  }

  /** There is room again. */
  #next(): void {
    if (this.#isStopped) this.#rest()
    else this.wake()
  }

  #reportFailure(operation: 'claim' | 'renew', key: string | null = null) {
    const { scope } = this
    return (error: unknown) =>
      this.#context.report({ type: 'store_failed', scope, key, requestId: null, operation, error })
  }

  #rest(): void {
    if (this.#active === 0 && !this.#isClaiming) this.#whenIdle?.()
  }
}

/** A due record, and the lease it is claimed under. */
interface Claim {
  due: DueClaim
  lease: Lease
}

function leaseOf(due: DueClaim, { leaseId, leaseMs, lockTtlMs }: ClaimDueRequest, claimedAt: number): Lease {
  const { scope, key, attempt, fencingToken, tookOver } = due
  const renewedAt = claimedAt
  return { scope, key, id: leaseId, attempt, fencingToken, leaseMs, lockTtlMs, claimedAt, renewedAt, tookOver }
}

function ignore(): void {}
