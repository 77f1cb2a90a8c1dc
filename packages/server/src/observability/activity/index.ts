import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import type { Answer, Backlog, DeliveryOutcome, HookonceActivity, HookonceEvent } from 'hookonce'
import { KEYLESS } from '../../config/source-names.js'
import type { StoreFigures } from '../store-stats.js'
import { Window } from './last-minute.js'
import { Last } from './ring-buffer.js'

/** One delivery, answered. */
export interface AnsweredDelivery {
  at: string
  source: string
  outcome: DeliveryOutcome
  status: number
  ms: number
}

const RECENT = 20
/** As many as a page can show of a second. */
const MOST_STREAMED = 200
const SNAPSHOT_MS = 900

const WELL = new Set<DeliveryOutcome>(['executed', 'replayed', 'joined', 'accepted', 'handshake'])

export interface InboxFigures {
  pending: number
  dead: number | null
  oldest_due_at: string | null
}

/** `GET /api/overview`. */
export interface Snapshot {
  at: string
  since: string
  totals: Record<string, Partial<Record<DeliveryOutcome, number>>>
  window: ReturnType<Window['snapshot']>
  in_flight: number
  waiters: number
  conflicts: number
  lost_leases: number
  store: { name: string; state: 'ok' | 'failing'; records?: number; bytes?: number; errors: number }
  inbox: Record<string, InboxFigures>
  event_loop_lag_ms: number
}

/** One moment on both clocks, in milliseconds. */
export interface Moment {
  /** Since the epoch. */
  at: number
  monotonic: number
}

export const moment = (): Moment => ({ at: Date.now(), monotonic: performance.now() })

export interface ActivityContext {
  sources: ReadonlyMap<string, { inbox?: unknown }>
  figures: StoreFigures
}

/** What this process did, for an operator's page: totals, the last minute, the last deliveries. All in memory. */
export class Activity {
  readonly #since = new Date().toISOString()
  readonly #window = new Window(performance.now())
  readonly #sources = new Map<string, SourceActivity>()
  readonly #scopes = new Map<string, SourceActivity>()
  readonly #streamed = new Last<Answered>(MOST_STREAMED)
  readonly #figures: StoreFigures
  #waiting = 0
  #lostLeases = 0
  #storeErrors = 0
  #storeFailedLast = false
  #loop: IntervalHistogram | undefined
  #last: { madeAt: number; snapshot: Snapshot } | undefined

  constructor({ sources, figures }: ActivityContext) {
    for (const name of sources.keys()) this.#sources.set(name, new SourceActivity(name))
    const keyless = this.#sources.get('default')
    if (keyless !== undefined) this.#scopes.set(KEYLESS, keyless)
    for (const source of this.#sources.values()) this.#scopes.set(source.name, source)
    this.#figures = figures
  }

  onEvent(event: HookonceEvent): void {
    if (event.type === 'attempt_lost') this.#lostLeases++
  }

  /** `now`: as {@link moment} gives it. */
  onActivity(event: HookonceActivity, now: Moment): void {
    if (event.type === 'delivery_answered') {
      const source = this.#scopes.get(event.scope)
      if (source !== undefined) this.#count(source, event.outcome, event.status, now, event.durationMs)
    } else if (event.type === 'waiting_changed') this.#waiting = event.waiting
    else if (event.type === 'store_asked') {
      if (event.failed) this.#storeErrors++
      this.#storeFailedLast = event.failed
    }
  }

  /** A delivery that the server answered without its receiver. */
  refused(name: string, { outcome, status }: Answer): void {
    const source = this.#sources.get(name)
    if (source !== undefined) this.#count(source, outcome, status, moment())
  }

  /** Every delivery comes by here: what takes time is left to whoever looks. */
  #count(
    source: SourceActivity,
    outcome: DeliveryOutcome,
    status: number,
    { at, monotonic }: Moment,
    durationMs?: number,
  ): void {
    this.#window.count(outcome, durationMs, monotonic)
    const answered = { at, source: source.name, outcome, status, durationMs: durationMs ?? 0 }
    source.count(answered)
    this.#streamed.add(answered)
  }

  /** The last deliveries of a source, newest first, and those of them that did not go well. */
  of(source: string) {
    const backlog = this.#figures.backlogs.get(source)
    void this.#figures.refresh()
    return {
      recent: described(this.#sources.get(source)?.recent.newest().reverse()),
      problems: described(this.#sources.get(source)?.problems.newest().reverse()),
      ...(backlog !== undefined && { inbox: inboxOf(backlog) }),
    }
  }

  /** How it is now; made once a second, however many look. */
  snapshot(inFlight: number): Snapshot {
    const now = performance.now()
    if (this.#last === undefined || now - this.#last.madeAt >= SNAPSHOT_MS) {
      this.#last = { madeAt: now, snapshot: this.#make(inFlight, now) }
    }
    return this.#last.snapshot
  }

  #make(inFlight: number, now: number): Snapshot {
    void this.#figures.refresh()
    const totals = Object.fromEntries([...this.#sources].map(([name, { totals }]) => [name, { ...totals }]))
    const conflicts = Object.values(totals).reduce(
      (sum, { mismatch = 0, in_progress = 0 }) => sum + mismatch + in_progress,
      0,
    )
    return {
      at: new Date().toISOString(),
      since: this.#since,
      totals,
      window: this.#window.snapshot(now),
      in_flight: inFlight,
      waiters: this.#waiting,
      conflicts,
      lost_leases: this.#lostLeases,
      store: {
        name: this.#figures.storeName,
        state: this.#storeFailedLast ? 'failing' : 'ok',
        ...this.#figures.size,
        errors: this.#storeErrors,
      },
      inbox: Object.fromEntries([...this.#figures.backlogs].map(([source, backlog]) => [source, inboxOf(backlog)])),
      event_loop_lag_ms: this.#lag(),
    }
  }

  /** The deliveries after the first `seen`, as far as they are kept, and how many there were. */
  after(seen: number): { deliveries: AnsweredDelivery[]; seen: number } {
    const { added } = this.#streamed
    return { deliveries: described(this.#streamed.newest(added - seen)), seen: added }
  }

  /** The longest that the event loop was late since this was asked last. */
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

interface Answered {
  /** Ms since the epoch. */
  at: number
  source: string
  outcome: DeliveryOutcome
  status: number
  durationMs: number
}

class SourceActivity {
  readonly name: string
  readonly totals: Partial<Record<DeliveryOutcome, number>> = {}
  readonly recent = new Last<Answered>(RECENT)
  readonly problems = new Last<Answered>(RECENT)

  constructor(name: string) {
    this.name = name
  }

  count(answered: Answered): void {
    const { outcome } = answered
    this.totals[outcome] = (this.totals[outcome] ?? 0) + 1
    this.recent.add(answered)
    if (!WELL.has(outcome)) this.problems.add(answered)
  }
}

const inboxOf = ({ inLine, overdueMs, dead }: Backlog): InboxFigures => ({
  pending: inLine,
  dead: dead ?? null,
  oldest_due_at: overdueMs > 0 ? new Date(Date.now() - overdueMs).toISOString() : null,
})

const described = (answered: readonly Answered[] = []): AnsweredDelivery[] =>
  answered.map(({ at, durationMs, ...rest }) => ({
    at: new Date(at).toISOString(),
    ...rest,
    ms: Number(durationMs.toFixed(3)),
  }))
