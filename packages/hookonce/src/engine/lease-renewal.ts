import type { LossReason } from '../diagnostics.js'
import type { EngineContext } from './context.js'
import type { Lease } from './lease.js'
import { callUntilAnswered } from './store-call.js'

export interface LeaseEvents {
  renewed(): void
  /** The store says that the lease is another's. */
  lost(): void
  /** The lease or the lock TTL is over; nothing is renewed any more. */
  expired(reason: LossReason): void
  storeFailed(error: unknown): void
}

/** So long before its lease ends an attempt is over for its holder, at most: an abort takes time, and timers fire late. */
const LONGEST_MARGIN_MS = 500

/**
 * Renews a lease every third of its length until it is stopped.
 *
 * Deadlines run on a monotonic clock from before the command was sent, so this side always gives up before the store.
 */
export class LeaseRenewal {
  /** When the lock TTL is over, on the monotonic clock. */
  readonly lockDeadline: number
  readonly #context: EngineContext
  readonly #lease: Lease
  readonly #events: LeaseEvents
  readonly #marginMs: number
  #deadline: number
  #isStopped = false
  #cancelTimer: () => void = () => {}

  constructor(context: EngineContext, lease: Lease, events: LeaseEvents) {
    this.#context = context
    this.#lease = lease
    this.#events = events
    this.#marginMs = Math.min(lease.leaseMs / 20, LONGEST_MARGIN_MS)
    this.lockDeadline = lease.claimedAt + lease.lockTtlMs - this.#marginMs
    this.#deadline = this.#deadlineFrom(lease.renewedAt)
  }

  /** Most attempts are over before the first renewal: a time limit that is shared costs little where the claim was quick. */
  start(now: number): void {
    const { leaseMs, renewedAt } = this.#lease
    const wasQuick = now - renewedAt <= leaseMs / 6
    if (wasQuick && this.#deadline < this.lockDeadline) {
      this.#cancelTimer = this.#context.limits.start(leaseMs / 3, () => void this.#renew(), now)
    } else this.#schedule(renewedAt)
  }

  stop(): void {
    this.#isStopped = true
    this.#cancelTimer()
  }

  #deadlineFrom(sentAt: number): number {
    return Math.min(sentAt + this.#lease.leaseMs - this.#marginMs, this.lockDeadline)
  }

  #schedule(lastSentAt: number): void {
    const { clock } = this.#context
    const renewAt = lastSentAt + this.#lease.leaseMs / 3
    const at = this.#deadline < this.lockDeadline ? Math.min(renewAt, this.#deadline) : this.#deadline
    this.#cancelTimer = clock.after(Math.max(0, at - clock.monotonic()), () => void this.#renew())
  }

  async #renew(): Promise<void> {
    const { clock, store } = this.#context
    const { id, leaseMs } = this.#lease
    const sentAt = clock.monotonic()
    if (sentAt >= this.#deadline) return this.#expire()
    // Timers may fire a little early; at the lock TTL there is nothing left to renew.
    if (this.#deadline === this.lockDeadline) return this.#schedule(sentAt)
    // The deadline holds while the store does not answer, too.
    this.#cancelTimer = clock.after(this.#deadline - sentAt, () => this.#expire())
    const outcome = await callUntilAnswered(this.#context, 'renew', () => store.renew(this.#lease, id, leaseMs), {
      giveUpAt: this.#deadline,
      isOver: () => this.#isStopped,
      failed: this.#events.storeFailed,
    })
    if (this.#isStopped || outcome === undefined) return
    this.#cancelTimer()
    if (outcome === 'lost') return this.#events.lost()
    this.#deadline = this.#deadlineFrom(sentAt)
    this.#events.renewed()
    this.#schedule(sentAt)
  }

  #expire(): void {
    this.stop()
    this.#events.expired(this.#deadline >= this.lockDeadline ? 'lock_ttl' : 'lease')
  }
}
