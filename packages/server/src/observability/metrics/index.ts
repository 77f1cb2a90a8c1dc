import type { DeliveryOutcome, HookonceActivity, HookonceEvent } from 'hookonce'
import { KEYLESS } from '../../config/source-names.js'
import { version } from '../../config/version.js'
import { FORWARD_FAILURES, type ForwardFailure } from '../../http/exchange-failures.js'
import type { StoreFigures } from '../store-stats.js'
import { createInstruments } from './instruments.js'

/** Why a delivery was refused before it was looked at. */
const OVERLOADS = ['in_flight', 'event_loop', 'rate', 'body_memory'] as const
export type Overload = (typeof OVERLOADS)[number]

/** Why a connection was ended. */
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
  /** By name of the source: whether it accepts deliveries for later. Nothing else becomes a label's value. */
  sources: ReadonlyMap<string, { handle?: unknown; inbox?: unknown }>
  figures: StoreFigures
  /** How many attempts run, by scope. */
  running: () => ReadonlyMap<string, number>
}

/** Counts and measures what the receiver tells of, and shows it in the words of Prometheus. */
export class Metrics {
  readonly instruments = createInstruments()
  /** How many deliveries are in flight; set by whoever lets them in. */
  countInFlight = (): number => 0
  readonly #countRunning: () => ReadonlyMap<string, number>
  readonly #figures: StoreFigures
  /** The label of each scope; a scope without one is not the server's. */
  readonly #labels = new Map<string, string>([[KEYLESS, 'default']])

  constructor({ sources, figures, running }: MetricsContext) {
    const { build, ...is } = this.instruments
    build.set({ version: version(), node: process.version, store: figures.storeName }, 1)
    for (const [name, { handle, inbox }] of sources) {
      this.#labels.set(name, name)
      // A rate needs a zero to begin at.
      for (const outcome of OUTCOMES) is.deliveries.of(name, outcome)
      for (const reason of OVERLOADS) is.rejections.of(name, reason)
      for (const reason of ['lease', 'lock_ttl', 'deleted']) is.lost.of(name, reason)
      for (const metric of [is.renewals, is.takenOver, is.fenced, is.dropped]) metric.of(name)
      if (inbox) is.died.of(name)
      if (isForward(handle)) for (const kind of FORWARD_FAILURES) is.forwardFailures.of(name, kind)
    }
    for (const operation of STORE_OPERATIONS) is.storeErrors.of(operation)
    for (const reason of CUTS) is.cut.of(reason)
    is.waiting.of()
    this.#figures = figures
    this.#countRunning = running
    figures.onFailed = operation => void is.storeErrors.of(operation).value++
  }

  /** A delivery that the server answered without its receiver. */
  refused(source: string, outcome: DeliveryOutcome, overload?: Overload): void {
    const { deliveries, rejections } = this.instruments
    deliveries.of(source, outcome).value++
    if (overload !== undefined) rejections.of(source, overload).value++
  }

  /** An attempt of a source that forwards came to no success. */
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

  /** Brings what is looked up, not counted, up to date; what the store knows only every few seconds. */
  async refresh(): Promise<void> {
    const { inFlight, running, storeRecords, storeBytes, inboxDepth, inboxOverdue, inboxDead } = this.instruments
    inFlight.set(this.countInFlight())
    const counts = this.#countRunning()
    for (const source of this.#labels.values()) running.set({ source }, 0)
    for (const [scope, source] of this.#labels) running.inc({ source }, counts.get(scope) ?? 0)
    await this.#figures.refresh()
    const { size, backlogs } = this.#figures
    // A figure that is not known is not shown.
    for (const gauge of [inboxDepth, inboxOverdue, inboxDead]) gauge.reset()
    for (const gauge of [storeRecords, storeBytes]) gauge.remove()
    if (size.records !== undefined) storeRecords.set(size.records)
    if (size.bytes !== undefined) storeBytes.set(size.bytes)
    for (const [source, { inLine, overdueMs, dead }] of backlogs) {
      inboxDepth.set({ source }, inLine)
      inboxOverdue.set({ source }, overdueMs / 1000)
      if (dead !== undefined) inboxDead.set({ source }, dead)
    }
  }
}

const isForward = (handle: unknown): boolean => (handle as { kind?: unknown } | undefined)?.kind === 'forward'
