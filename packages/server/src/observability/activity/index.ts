import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import {
  ACTIVITY_CHANNEL,
  type Answer,
  type Backlog,
  type DeliveryOutcome,
  EVENTS_CHANNEL,
  type HookonceActivity,
  type HookonceEvent,
} from 'hookonce'
import { KEYLESS } from '../../config/source-names.js'
import type { Metrics, Overload } from '../metrics/index.js'
import type { Known, StoreStatsCache } from '../store-stats.js'
import { LastMinute } from './last-minute.js'
import { RingBuffer } from './ring-buffer.js'
import {
  type Answered,
  type AnsweredDelivery,
  describeAttempt,
  describeDelivery,
  SourceActivity,
  type Told,
} from './source-activity.js'

/** Deliveries that were answered from a record, or refused because an attempt of it ran. */
const DUPLICATES = new Set<DeliveryOutcome>(['replayed', 'joined', 'in_progress'])

/** As many as the dashboard shows of a second. */
const MAX_STREAMED = 200
const SNAPSHOT_MS = 900

/** Of an inbox; `null`: not known. */
export interface InboxStats {
  pending: number | null
  dead: number | null
  oldest_due_at: string | null
  /** When these were read; `null`: they are not known. */
  as_of: string | null
}

/** `GET /api/overview`. */
export interface Snapshot {
  at: string
  since: string
  totals: Record<string, Partial<Record<DeliveryOutcome, number>>>
  window: ReturnType<LastMinute['snapshot']>
  in_flight: number
  waiters: number
  lost_leases: number
  takeovers: number
  store: {
    name: string
    state: 'ok' | 'failing'
    records?: number
    bytes?: number
    as_of: string | null
    errors: number
  }
  inbox: Record<string, InboxStats>
  event_loop_lag_ms: number
}

/** One moment on both clocks, in milliseconds. */
interface Moment {
  /** Since the epoch. */
  at: number
  monotonic: number
}

const moment = (): Moment => ({ at: Date.now(), monotonic: performance.now() })

export interface ActivityContext {
  sources: ReadonlyMap<string, { inbox?: unknown }>
  storeStats: StoreStatsCache
  metrics: Metrics
  /** Counts the duplicates of each record. */
  duplicates: { add(source: string, key: string, at: number): void }
}

/** What this process did. {@link Metrics} counts it; the last minute and the last deliveries are kept here, in memory. */
export class Activity {
  readonly #since = new Date().toISOString()
  readonly #window = new LastMinute(performance.now())
  readonly #sources = new Map<string, SourceActivity>()
  readonly #scopes = new Map<string, SourceActivity>()
  readonly #streamed = new RingBuffer<Answered>(MAX_STREAMED)
  readonly #storeStats: StoreStatsCache
  readonly #metrics: Metrics
  readonly #duplicates: ActivityContext['duplicates']
  #storeFailedLast = false
  #loop: IntervalHistogram | undefined
  #last: { madeAt: number; snapshot: Promise<Snapshot> } | undefined

  constructor({ sources, storeStats, metrics, duplicates }: ActivityContext) {
    for (const name of sources.keys()) this.#sources.set(name, new SourceActivity(name))
    const keyless = this.#sources.get('default')
    if (keyless !== undefined) this.#scopes.set(KEYLESS, keyless)
    for (const source of this.#sources.values()) this.#scopes.set(source.name, source)
    this.#storeStats = storeStats
    this.#metrics = metrics
    this.#duplicates = duplicates
  }

  /**
   * Records what every receiver of this process does, until the returned function is called. One delivery publishes four
   * messages: those of one iteration of the event loop are counted together at its end.
   */
  subscribe(): () => void {
    let pending: HookonceActivity[] = []
    const count = () => {
      const events = pending
      pending = []
      const now = moment()
      for (const event of events) this.#onActivity(event, now)
    }
    const onActivity = (message: unknown) => {
      if (pending.push(message as HookonceActivity) === 1) setImmediate(count)
    }
    const onEvent = (message: unknown) => this.#metrics.onEvent(message as HookonceEvent)
    subscribe(ACTIVITY_CHANNEL, onActivity)
    subscribe(EVENTS_CHANNEL, onEvent)
    return () => {
      unsubscribe(ACTIVITY_CHANNEL, onActivity)
      unsubscribe(EVENTS_CHANNEL, onEvent)
    }
  }

  #onActivity(event: HookonceActivity, now: Moment): void {
    this.#metrics.onActivity(event)
    if (event.type === 'delivery_answered') {
      const { scope, key, outcome } = event
      const source = this.#scopes.get(scope)
      if (source === undefined) return
      this.#add(source, event, now)
      if (key !== null && DUPLICATES.has(outcome)) this.#duplicates.add(scope, key, now.at)
    } else if (event.type === 'attempt_ended') {
      const { scope, key, attempt, end, durationMs } = event
      this.#window.countAttempt(end, now.monotonic)
      this.#scopes.get(scope)?.attempts.add({ at: now.at, key, attempt, end, durationMs })
    } else if (event.type === 'store_asked') this.#storeFailedLast = event.failed
  }

  /** Records a delivery that the server answered without its receiver. Returns the answer. */
  answered(name: string, answer: Answer, overload?: Overload): Answer {
    const { outcome } = answer
    this.#metrics.answered(name, outcome, overload)
    const source = this.#sources.get(name)
    if (source !== undefined) this.#add(source, answer, moment())
    return answer
  }

  /** Runs for every delivery: what takes time is left to the readers. */
  #add(source: SourceActivity, told: Told, { at, monotonic }: Moment): void {
    const { key = null, requestId = null, outcome, status, durationMs } = told
    this.#window.count(outcome, durationMs, monotonic)
    const answered = { at, source: source.name, key, requestId, outcome, status, durationMs: durationMs ?? 0 }
    source.add(answered)
    this.#streamed.add(answered)
  }

  /** What the sources did last, newest first, by their names. */
  async bySource() {
    await this.#storeStats.refresh()
    const { backlogs } = this.#storeStats
    return new Map(
      [...this.#sources].map(([name, { recent, problems, attempts }]) => [
        name,
        {
          recent: recent.newest().reverse().map(describeDelivery),
          problems: problems.newest().reverse().map(describeDelivery),
          attempts: attempts.newest().reverse().map(describeAttempt),
          ...(backlogs.has(name) && { inbox: inboxOf(backlogs.get(name)) }),
        },
      ]),
    )
  }

  /** The current state; made once a second, however many ask for it. */
  snapshot(inFlight: number): Promise<Snapshot> {
    const now = performance.now()
    if (this.#last === undefined || now - this.#last.madeAt >= SNAPSHOT_MS) {
      this.#last = { madeAt: now, snapshot: this.#make(inFlight) }
    }
    return this.#last.snapshot
  }

  async #make(inFlight: number): Promise<Snapshot> {
    await this.#storeStats.refresh()
    const { deliveries, waiting, lost, takenOver, storeErrors } = this.#metrics.instruments
    const { at: readAt, ...size } = this.#storeStats.size ?? { at: null }
    return {
      at: new Date().toISOString(),
      since: this.#since,
      totals: Object.fromEntries([...this.#sources.keys()].map(name => [name, totalsOf(deliveries.row(name))])),
      window: this.#window.snapshot(performance.now()),
      in_flight: inFlight,
      waiters: waiting.sum(),
      lost_leases: lost.sum(),
      takeovers: takenOver.sum(),
      store: {
        name: this.#storeStats.storeName,
        state: this.#storeFailedLast ? 'failing' : 'ok',
        ...size,
        as_of: isoTime(readAt),
        errors: storeErrors.sum(),
      },
      inbox: Object.fromEntries([...this.#storeStats.backlogs].map(([source, backlog]) => [source, inboxOf(backlog)])),
      event_loop_lag_ms: this.#lag(),
    }
  }

  /** The deliveries since the first `seen`, as far as they are kept, and the number of all deliveries. */
  after(seen: number): { deliveries: AnsweredDelivery[]; seen: number } {
    const { added } = this.#streamed
    return { deliveries: this.#streamed.newest(added - seen).map(describeDelivery), seen: added }
  }

  /** The longest delay of the event loop since the last call. */
  #lag(): number {
    if (this.#loop === undefined) {
      this.#loop = monitorEventLoopDelay({ resolution: 10 })
      this.#loop.enable()
      return 0
    }
    const lateMs = this.#loop.max / 1e6 - 10
    this.#loop.reset()
    return Math.max(0, Number(lateMs.toFixed(1)))
  }
}

/** The outcomes that occurred. */
const totalsOf = (row: ReadonlyMap<string, { value: number }>): Snapshot['totals'][string] =>
  Object.fromEntries([...row].flatMap(([outcome, { value }]) => (value === 0 ? [] : [[outcome, value]])))

const isoTime = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString())

function inboxOf(backlog: Known<Backlog> | undefined): InboxStats {
  if (backlog === undefined) return { pending: null, dead: null, oldest_due_at: null, as_of: null }
  const { inLine, overdueMs, dead, at } = backlog
  return {
    pending: inLine,
    dead,
    oldest_due_at: overdueMs > 0 ? isoTime(at - overdueMs) : null,
    as_of: isoTime(at),
  }
}
