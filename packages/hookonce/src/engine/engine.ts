import type { StoreOperation } from '../diagnostics.js'
import {
  type ListQuery,
  MAX_RECORDS,
  MAX_STORED_BYTES,
  type RecordId,
  type RecordPage,
  type Store,
  type StoredRecord,
} from '../stores/store.js'
import { systemClock } from '../util/clock.js'
import type { Report } from '../util/report.js'
import { ShortLivedMap } from '../util/short-lived-map.js'
import { TimeLimits } from '../util/time-limits.js'
import type { EngineContext } from './context.js'
import type { Work } from './leased-attempt.js'
import type { IdempotencyOptions, ProcessRequest } from './options.js'
import type { Outcome } from './outcome.js'
import { type Limits, Quota } from './quota.js'
import { RunningAttempts } from './running-attempts.js'
import { SingleFlight } from './single-flight.js'
import { callStore } from './store-call.js'
import { inRange, resolveTiming, type Timing } from './timing.js'
import { UnkeyedAttempt } from './unkeyed-attempt.js'
import { WaitingRoom } from './waiting-room.js'

/** The engine from inside: what `createIdempotency`, receivers and inboxes are built on. */
export class Engine {
  readonly context: EngineContext
  readonly timing: Timing
  readonly maxLosses: number
  // biome-ignore lint/suspicious/noExplicitAny: requests for one key share a flight, whatever their work returns
  readonly #flights = new ShortLivedMap<string, SingleFlight<any>>()
  #inProgress = 0
  #whenSettled: (() => void)[] = []

  /** With options whose names were checked. @throws {ConfigurationError} */
  constructor(options: Omit<IdempotencyOptions, 'onEvent'>, report: Report) {
    const { store, clock = systemClock, maxWaiters = 10_000, maxLosses = 10 } = options
    this.timing = resolveTiming(options)
    const third = this.timing.leaseMs / 3
    const { storeTimeoutMs = Math.min(2_000, third) } = options
    inRange('storeTimeoutMs', storeTimeoutMs, 1, third)
    inRange('maxLosses', maxLosses, 1, Number.MAX_SAFE_INTEGER)
    inRange('maxWaiters', maxWaiters, 0, Number.MAX_SAFE_INTEGER)
    this.maxLosses = maxLosses
    this.context = {
      store,
      report,
      clock,
      limits: new TimeLimits(clock),
      storeTimeoutMs,
      running: new RunningAttempts(),
      waiting: new WaitingRoom(maxWaiters),
    }
  }

  /** One result for a key, as bytes of the caller's making; answers every outcome and never rejects. */
  process<T>(request: ProcessRequest, work: Work<T>): Promise<Outcome<T>> {
    const { scope, key, fingerprint, label = null, timing, requestId = null } = request
    if (key === null) {
      const attempt = new UnkeyedAttempt<T>(this.context, request)
      this.#inProgress++
      void attempt.run(work).then(this.#landed)
      return attempt.outcome
    }
    // Neither scope nor key holds a control character.
    const entry = `${scope}\n${key}\n${fingerprint ?? ''}`
    const current = this.#flights.get(entry)
    if (current !== undefined) return current.join(work, timing.waitMs, requestId)
    const { leaseMs, lockTtlMs, retentionMs } = timing
    const terms = { scope, key, fingerprint, label, leaseMs, lockTtlMs, retentionMs, maxLosses: this.maxLosses }
    const flight: SingleFlight<T> = new SingleFlight<T>(this.context, terms, isOpen => {
      const other = this.#flights.get(entry)
      if (isOpen && other === undefined) this.#flights.set(entry, flight)
      else if (!isOpen && other === flight) this.#flights.delete(entry)
    })
    this.#flights.set(entry, flight)
    this.#inProgress++
    return flight.lead(work, timing.waitMs, requestId, this.#landed)
  }

  async delete(id: RecordId, options?: { force?: boolean }): Promise<'deleted' | 'absent' | 'running'> {
    // Attempts that begin after the record was deleted keep their key.
    const attempts = this.context.running.of(id)
    const outcome = await this.call('delete', store => store.delete(id, options))
    if (outcome === 'deleted') for (const attempt of attempts) attempt.lose?.('deleted')
    return outcome
  }

  get(id: RecordId): Promise<StoredRecord | undefined> {
    return this.call('get', store => store.get(id))
  }

  list(query: ListQuery): Promise<RecordPage> {
    return this.call('list', store => store.list(query))
  }

  /** Whether a scope may keep more; by default as much as its store is good for. */
  quota(scope: string, limits: Partial<Limits>): Quota {
    const { clock, report, store } = this.context
    const most = { maxRecords: MAX_RECORDS, maxStoredBytes: store.maxStoredBytes ?? MAX_STORED_BYTES, ...limits }
    const usage = () => this.call('usage', store => store.usage?.(scope) ?? Promise.resolve({}))
    const has = async (id: RecordId) => (await this.get(id)) !== undefined
    return new Quota({ clock, report, usage, has }, scope, most)
  }

  ready(): Promise<void> {
    return this.call('ready', store => store.ready())
  }

  settled(): Promise<void> {
    if (this.#inProgress === 0) return Promise.resolve()
    return new Promise(resolve => this.#whenSettled.push(resolve))
  }

  /** One call to the store under its time limit. @throws {StoreError} */
  call<R>(operation: StoreOperation, question: (store: Store) => Promise<R>): Promise<R> {
    return callStore(this.context, operation, () => question(this.context.store))
  }

  readonly #landed = (): void => {
    if (--this.#inProgress > 0) return
    for (const resolve of this.#whenSettled.splice(0)) resolve()
  }
}
