import type { AttemptEndKind, DeliveryOutcome, HookonceActivity, HookonceEvent } from 'hookonce'
import { KEYLESS } from '../../config/source-names.js'
import { version } from '../../config/version.js'
import { FORWARD_FAILURES, type ForwardFailure } from '../../http/exchange-failures.js'
import type { StoreStatsCache } from '../store-stats.js'
import { createInstruments } from './instruments.js'

/** Why a delivery was refused before it was processed. */
const OVERLOADS = ['in_flight', 'event_loop', 'rate', 'body_memory'] as const
export type Overload = (typeof OVERLOADS)[number]

/** Why a connection was closed. */
const CUTS = ['too_many', 'pipelined', 'slow_body', 'stalled_reader'] as const
export type Cut = (typeof CUTS)[number]

const OUTCOMES: readonly DeliveryOutcome[] = [
  'executed',
  'accepted',
  'replayed',
  'joined',
  'in_progress',
  'mismatch',
  'invalid',
  'unauthorized',
  'handshake',
  'unavailable',
  'full',
  'failed',
  'lost',
]

const ATTEMPT_ENDS: readonly AttemptEndKind[] = ['recorded', 'given_back', 'threw', 'lost', 'fenced', 'unreachable']

const STORE_OPERATIONS = [
  'claim',
  'renew',
  'complete',
  'fail',
  'get',
  'accept',
  'claim_due',
  'commit',
  'stats',
  'backlog',
  'usage',
]

export interface MetricsContext {
  /** Only their names become values of the label `source`. With `inbox`: in mode `inbox`. */
  sources: ReadonlyMap<string, { handle?: unknown; inbox?: unknown }>
  storeStats: StoreStatsCache
  /** The number of running attempts, by scope. */
  running: () => ReadonlyMap<string, number>
}

/** The Prometheus metrics, fed by the receiver's events. */
export class Metrics {
  readonly instruments = createInstruments()
  /** The number of deliveries in flight; set by the app. */
  countInFlight = (): number => 0
  readonly #countRunning: () => ReadonlyMap<string, number>
  readonly #storeStats: StoreStatsCache
  /** The value of the label `source` for each scope; other scopes are not the server's. */
  readonly #labels = new Map<string, string>([[KEYLESS, 'default']])

  constructor({ sources, storeStats, running }: MetricsContext) {
    const { build, ...is } = this.instruments
    build.set({ version: version(), node: process.version, store: storeStats.storeName }, 1)
    for (const [name, { handle, inbox }] of sources) {
      this.#labels.set(name, name)
      // Prometheus computes a rate from a zero.
      for (const outcome of OUTCOMES) is.deliveries.of(name, outcome)
      for (const reason of OVERLOADS) is.rejections.of(name, reason)
      for (const end of ATTEMPT_ENDS) is.attempts.of(name, end)
      for (const reason of ['lease', 'lock_ttl', 'deleted']) is.lost.of(name, reason)
      for (const metric of [is.renewals, is.takenOver, is.fenced, is.dropped]) metric.of(name)
      if (inbox) is.died.of(name)
      if (isForward(handle)) for (const kind of FORWARD_FAILURES) is.forwardFailures.of(name, kind)
    }
    for (const operation of STORE_OPERATIONS) is.storeErrors.of(operation)
    for (const reason of CUTS) is.cut.of(reason)
    is.waiting.of()
    this.#storeStats = storeStats
    this.#countRunning = running
    storeStats.onFailed = operation => void is.storeErrors.of(operation).value++
  }

  /** A delivery that the server answered without its receiver. */
  answered(source: string, outcome: DeliveryOutcome, overload?: Overload): void {
    const { deliveries, rejections } = this.instruments
    deliveries.of(source, outcome).value++
    if (overload !== undefined) rejections.of(source, overload).value++
  }

  /** A forwarded attempt failed. */
  forwardFailed(source: string, kind: ForwardFailure): void {
    this.instruments.forwardFailures.of(source, kind).value++
  }

  connectionCut(why: Cut): void {
    this.instruments.cut.of(why).value++
  }

  onActivity(event: HookonceActivity): void {
    const is = this.instruments
    if (event.type === 'store_asked') {
      is.storeSeconds.of(event.operation).observe(event.durationMs / 1000)
      if (event.failed) is.storeErrors.of(event.operation).value++
      return
    }
    if (event.type === 'waiting_changed') {
      is.waiting.of().value = event.waiting
      return
    }
    const source = this.#labels.get(event.scope)
    if (source === undefined) return
    switch (event.type) {
      case 'delivery_answered':
        is.deliveries.of(source, event.outcome).value++
        is.deliverySeconds.of(source, event.outcome).observe(event.durationMs / 1000)
        if (event.ageMs !== null) is.replayAge.of(source).observe(event.ageMs / 1000)
        return
      case 'attempt_ended':
        is.attempts.of(source, event.end).value++
        if (event.handlerMs !== null) is.handlerSeconds.of(source).observe(event.handlerMs / 1000)
        return
      case 'late_handler_ended':
        is.handlerSeconds.of(source).observe(event.handlerMs / 1000)
        return
      case 'lease_renewed':
        is.renewals.of(source).value++
    }
  }

  onEvent(event: HookonceEvent): void {
    const source = this.#labels.get(event.scope)
    if (source === undefined) return
    const { lost, takenOver, fenced, dropped, died } = this.instruments
    if (event.type === 'attempt_lost') lost.of(source, event.reason).value++
    else if (event.type === 'attempt_taken_over') takenOver.of(source).value++
    else if (event.type === 'result_refused') fenced.of(source).value++
    else if (event.type === 'result_dropped') dropped.of(source).value++
    else if (event.type === 'delivery_died') died.of(source).value++
  }

  /** Updates the gauges that are not counted; those of the store every few seconds only. */
  async refresh(): Promise<void> {
    const { inFlight, running, storeRecords, storeBytes, inboxDepth, inboxOverdue, inboxDead } = this.instruments
    inFlight.set(this.countInFlight())
    const counts = this.#countRunning()
    for (const source of this.#labels.values()) running.set({ source }, 0)
    for (const [scope, source] of this.#labels) running.inc({ source }, counts.get(scope) ?? 0)
    await this.#storeStats.refresh()
    const { size, backlogs } = this.#storeStats
    // An unknown value is not exposed.
    for (const gauge of [inboxDepth, inboxOverdue, inboxDead]) gauge.reset()
    for (const gauge of [storeRecords, storeBytes]) gauge.remove()
    if (size?.records !== undefined) storeRecords.set(size.records)
    if (size?.bytes !== undefined) storeBytes.set(size.bytes)
    for (const [source, backlog] of backlogs) {
      if (backlog === undefined) continue
      const { inLine, overdueMs, dead } = backlog
      inboxDepth.set({ source }, inLine)
      inboxOverdue.set({ source }, overdueMs / 1000)
      inboxDead.set({ source }, dead)
    }
  }
}

const isForward = (handle: unknown): boolean => (handle as { kind?: unknown } | undefined)?.kind === 'forward'
