import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import {
  ACTIVITY_CHANNEL,
  type DeliveryOutcome,
  EVENTS_CHANNEL,
  type HookonceActivity,
  type HookonceEvent,
  type Store,
} from 'hookonce'
import { type InboxFigures, StoreWatch } from './store-watch.js'
import { Window } from './window.js'

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

export interface ActivityContext {
  sources: ReadonlyMap<string, { inbox?: unknown }>
  store: Store
}

/** What this process did, for an operator's page: totals, the last minute, the last deliveries. All in memory. */
export class Activity {
  readonly #since = new Date().toISOString()
  readonly #window = new Window(performance.now())
  readonly #totals = new Map<string, Map<DeliveryOutcome, number>>()
  readonly #recent = new Map<string, AnsweredDelivery[]>()
  readonly #problems = new Map<string, AnsweredDelivery[]>()
  readonly #streamed: AnsweredDelivery[] = []
  readonly #names = new Map([['/webhook/no-idempotency', 'default']])
  readonly #store: StoreWatch
  #answered = 0
  #waiting = 0
  #lostLeases = 0
  #storeErrors = 0
  #storeFailedLast = false
  #loop: IntervalHistogram | undefined
  #last: { madeAt: number; snapshot: Snapshot } | undefined

  constructor({ sources, store }: ActivityContext) {
    for (const name of sources.keys()) {
      this.#names.set(name, name)
      this.#totals.set(name, new Map())
    }
    const inboxes = [...sources].filter(([, { inbox }]) => inbox !== undefined).map(([name]) => name)
    this.#store = new StoreWatch(store, inboxes)
  }

  /** Listens to every receiver of this process; returns what ends that. */
  listen(): () => void {
    const onActivity = (event: unknown) => this.onActivity(event as HookonceActivity)
    const onEvent = (event: unknown) => {
      if ((event as HookonceEvent).type === 'attempt_lost') this.#lostLeases++
    }
    subscribe(ACTIVITY_CHANNEL, onActivity)
    subscribe(EVENTS_CHANNEL, onEvent)
    return () => {
      unsubscribe(ACTIVITY_CHANNEL, onActivity)
      unsubscribe(EVENTS_CHANNEL, onEvent)
    }
  }

  onActivity(event: HookonceActivity): void {
    if (event.type === 'waiting_changed') this.#waiting = event.waiting
    else if (event.type === 'store_asked') {
      if (event.failed) this.#storeErrors++
      this.#storeFailedLast = event.failed
    } else if (event.type === 'delivery_answered') {
      const source = this.#names.get(event.scope)
      if (source !== undefined) this.#count(source, event)
    }
  }

  #count(source: string, event: HookonceActivity & { type: 'delivery_answered' }): void {
    const { outcome, status, durationMs } = event
    this.#window.count(outcome, durationMs, performance.now())
    const totals = this.#totals.get(source)!
    totals.set(outcome, (totals.get(outcome) ?? 0) + 1)
    const delivery = { at: new Date().toISOString(), source, outcome, status, ms: Number(durationMs.toFixed(3)) }
    this.#answered++
    keep(this.#streamed, delivery, MOST_STREAMED)
    keep(listOf(this.#recent, source), delivery, RECENT)
    if (!WELL.has(outcome)) keep(listOf(this.#problems, source), delivery, RECENT)
  }

  /** The last deliveries of a source, newest first, and those of them that did not go well. */
  of(source: string) {
    const inbox = this.#store.inbox.get(source)
    this.#store.look(performance.now())
    return {
      recent: [...(this.#recent.get(source) ?? [])].reverse(),
      problems: [...(this.#problems.get(source) ?? [])].reverse(),
      ...(inbox !== undefined && { inbox }),
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
    this.#store.look(now)
    const totals = Object.fromEntries([...this.#totals].map(([source, counts]) => [source, Object.fromEntries(counts)]))
    const conflicts = [...this.#totals.values()].reduce(
      (sum, counts) => sum + (counts.get('mismatch') ?? 0) + (counts.get('in_progress') ?? 0),
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
        name: this.#store.name,
        state: this.#storeFailedLast ? 'failing' : 'ok',
        ...this.#store.size,
        errors: this.#storeErrors,
      },
      inbox: Object.fromEntries(this.#store.inbox),
      event_loop_lag_ms: this.#lag(),
    }
  }

  /** The deliveries after the first `seen`, as far as they are kept, and how many there were. */
  after(seen: number): { deliveries: AnsweredDelivery[]; seen: number } {
    const fresh = Math.min(this.#answered - seen, this.#streamed.length)
    return { deliveries: fresh > 0 ? this.#streamed.slice(-fresh) : [], seen: this.#answered }
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

function listOf(lists: Map<string, AnsweredDelivery[]>, source: string): AnsweredDelivery[] {
  const list = lists.get(source) ?? []
  lists.set(source, list)
  return list
}

function keep(list: AnsweredDelivery[], delivery: AnsweredDelivery, most: number): void {
  if (list.push(delivery) > most) list.shift()
}
