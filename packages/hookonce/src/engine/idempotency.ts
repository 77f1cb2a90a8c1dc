import { measured, type StoreOperation, tell } from '../diagnostics.js'
import { ConfigurationError, InvalidKeyError, NoResultError } from '../errors.js'
import { type Acceptance, Accepting } from '../inbox/accept.js'
import { type DueWork, DueWorker, shuttingDown, type Worker } from '../inbox/worker.js'
import { type AcceptOutcome, type InboxStore, isInboxStore, type RedriveOutcome } from '../stores/inbox-store.js'
import {
  type ListQuery,
  MAX_KEY_BYTES,
  MAX_RECORDS,
  MAX_STORED_BYTES,
  type RecordId,
  type RecordPage,
  type Store,
  type StoredRecord,
  type TransactionsOf,
} from '../stores/store.js'
import { systemClock } from '../util/clock.js'
import { checkOptions } from '../util/options.js'
import { createReport, type Report } from '../util/report.js'
import { ShortLivedMap } from '../util/short-lived-map.js'
import { TimeLimits } from '../util/time-limits.js'
import { type AttemptWith, type CommitOf, withCommit } from './attempt.js'
import { andThen, type Commit, type Effects, type Settlement } from './commit.js'
import type { Work } from './leased-attempt.js'
import { ENGINE_RULES, type IdempotencyOptions, type ProcessRequest } from './options.js'
import type { Outcome } from './outcome.js'
import { type Limits, Quota, type QuotaContext } from './quota.js'
import { Flight, type FlightContext } from './single-flight.js'
import { asked } from './store-call.js'
import { inRange, resolveTiming, type Timing } from './timing.js'
import { Keyless } from './unkeyed.js'

export interface RunRequest extends RecordId {
  /** What must be equal for two requests to be one operation, e.g. a digest of the input. Default: nothing is compared. */
  fingerprint?: string | null
}

/** One result per (scope, key), whoever asks, from whatever process. `Kind`: the store's transactions, if it has any. */
export interface Idempotency<Kind = never> {
  /**
   * Runs `work` once for a key and gives its value to every later call within the retention. The value must survive
   * JSON. Work that throws gives the key back: its error reaches this call and those that joined it.
   *
   * @example
   * const { value, replayed } = await idempotency.run({ scope: 'mails', key: order.id }, attempt => sendMail(order))
   *
   * @throws {NoResultError} there is no value now; `reason` says why
   * @throws {InvalidKeyError} scope or key is empty, over 255 bytes, or holds control characters
   */
  run<T>(
    request: RunRequest,
    work: (attempt: AttemptWith<Kind, unknown>) => T | Promise<T>,
  ): Promise<{ value: T; replayed: boolean }>
  /** Like {@link run}, for layers that record bytes of their own making and answer every outcome. Never rejects. */
  process<T>(request: ProcessRequest, work: Work<T>): Promise<Outcome<T>>
  /** Stores a delivery with its record, to be attempted by a {@link work}er later. Never rejects. */
  accept(acceptance: Acceptance, requestId?: string | null): Promise<AcceptOutcome | 'unavailable'>
  /** Attempts what is due of a scope, from now on. @throws {ConfigurationError} if the store keeps no inbox */
  work<T>(work: Omit<DueWork<T>, 'maxLosses'>): Worker
  /** Begins a new round for an accepted record that is settled. @throws {StoreError} */
  redrive(id: RecordId, options?: { completed?: boolean }): Promise<RedriveOutcome>
  /** What is recorded for a key. @throws {StoreError} also when the store does not answer in time */
  get(id: RecordId): Promise<StoredRecord | undefined>
  /** One page of what is recorded. @throws {StoreError} also when the store does not answer in time */
  list(query: ListQuery): Promise<RecordPage>
  /**
   * Forgets a key. A running attempt is refused (`running`) unless forced; then its result will be refused.
   * @throws {StoreError} also when the store does not answer in time
   */
  delete(id: RecordId, options?: { force?: boolean }): Promise<'deleted' | 'absent' | 'running'>
  /** Whether a scope may keep more; by default as much as its store is good for. */
  quota(scope: string, limits: Partial<Limits>): Quota
  /** Resolves when the store can do its work. @throws {StoreError} also when it does not answer in time */
  ready(): Promise<void>
  /** Resolves when nothing is in progress, results still on their way to the store included. */
  settled(): Promise<void>
  /** How many attempts run, by scope; a scope without any is not there. */
  running(): Map<string, number>
  /** Aborts the signal of every running attempt. */
  abort(): void
}

const ANNOUNCE_EVERY_MS = 20

const UNAVAILABLE: Record<string, [message: string, retryAfterMs?: number]> = {
  in_progress: ['another attempt for this key is still running', 1_000],
  mismatch: ['this key was used with another fingerprint'],
  attempts_exhausted: ['attempts for this key crashed too often'],
  attempt_failed: ['the attempt that was waited for failed', 1_000],
  attempt_lost: ['the attempt lost its lease', 1_000],
  attempt_timeout: ['the attempt reached its lock TTL', 1_000],
  store_unavailable: ['the store cannot be asked', 1_000],
}

/** @throws {ConfigurationError} naming the option and what is allowed */
export function createIdempotency<S extends Store>(options: IdempotencyOptions<S>): Idempotency<TransactionsOf<S>> {
  checkOptions('createIdempotency', options, ENGINE_RULES, ['store'])
  return createEngine(options, createReport(options.onEvent))
}

/** With options that were checked, and a report that its owner tells of things too. @throws {ConfigurationError} */
export function createEngine<S extends Store>(
  options: Omit<IdempotencyOptions<S>, 'onEvent'>,
  report: Report,
): Idempotency<TransactionsOf<S>> {
  return new Engine<TransactionsOf<S>>(options, report)
}

class Engine<Kind> implements Idempotency<Kind> {
  readonly #context: FlightContext
  readonly #timing: Timing
  readonly #maxLosses: number
  // biome-ignore lint/suspicious/noExplicitAny: requests for one key share a flight, whatever their work returns
  readonly #flights = new ShortLivedMap<string, Flight<any>>()
  readonly #keyless: Keyless
  readonly #workers = new Set<Pick<DueWorker<unknown>, 'scope' | 'running' | 'wake' | 'abort' | 'lose'>>()
  readonly #announced = new Set<string>()
  #accepting: Accepting | undefined
  #inProgress = 0
  #whenSettled: (() => void)[] = []

  constructor(options: Omit<IdempotencyOptions, 'onEvent'>, report: Report) {
    const { store, clock = systemClock, maxWaiters = 10_000, maxLosses = 10 } = options
    this.#timing = resolveTiming(options)
    const third = this.#timing.leaseMs / 3
    const { storeTimeoutMs = Math.min(2_000, third) } = options
    inRange('storeTimeoutMs', storeTimeoutMs, 1, third)
    inRange('maxLosses', maxLosses, 1, Number.MAX_SAFE_INTEGER)
    inRange('maxWaiters', maxWaiters, 0, Number.MAX_SAFE_INTEGER)
    this.#maxLosses = maxLosses
    let waiting = 0
    const changeWaiting = (by: 1 | -1) => {
      waiting += by
      if (measured()) tell({ type: 'waiting_changed', waiting })
    }
    this.#context = {
      store,
      report,
      clock,
      limits: new TimeLimits(clock),
      storeTimeoutMs,
      admit: () => {
        if (waiting >= maxWaiters) return false
        changeWaiting(1)
        return true
      },
      leave: () => changeWaiting(-1),
    }
    this.#keyless = new Keyless(this.#context)
  }

  async run<T>(
    { scope, key, fingerprint = null }: RunRequest,
    work: (attempt: AttemptWith<Kind, unknown>) => T | Promise<T>,
  ) {
    checkName('scope', scope)
    checkName('key', key)
    const outcome = await this.process<T>(
      { scope, key, fingerprint, timing: this.#timing },
      async (attempt, commit) => {
        // What the effects come to is the value of the whole, whatever the work returns then.
        const ownCommit = commit as Commit<unknown> | undefined
        const committing = ownCommit && ((effects: Effects<unknown>) => ownCommit(tx => andThen(effects(tx), asJson)))
        return asJson(await work(withCommit(attempt, committing as CommitOf<unknown> | undefined)))
      },
    )
    switch (outcome.kind) {
      case 'executed':
        return { value: outcome.value, replayed: false }
      case 'replayed': {
        const json = Buffer.from(outcome.result).toString()
        return { value: (json === '' ? undefined : JSON.parse(json)) as T, replayed: true }
      }
      case 'threw':
        throw outcome.error
      case 'given_back':
        throw new Error('unreachable: every value is recorded')
      default: {
        const [message, retryAfterMs] = UNAVAILABLE[outcome.kind]!
        throw new NoResultError(outcome.kind, message, retryAfterMs)
      }
    }
  }

  process<T>(request: ProcessRequest, work: Work<T>): Promise<Outcome<T>> {
    const { scope, key, fingerprint, label = null, timing, requestId = null } = request
    if (key === null) {
      this.#inProgress++
      return this.#keyless.run(request, work, this.#landed)
    }
    // Neither scope nor key holds a control character.
    const entry = `${scope}\n${key}\n${fingerprint ?? ''}`
    const flying = this.#flights.get(entry)
    if (flying !== undefined) return flying.join(work, timing.waitMs, requestId)
    const { leaseMs, lockTtlMs, retentionMs } = timing
    const asks = { scope, key, fingerprint, label, leaseMs, lockTtlMs, retentionMs, maxLosses: this.#maxLosses }
    const setOpen = (isOpen: boolean) => {
      const current = this.#flights.get(entry)
      if (isOpen && current === undefined) this.#flights.set(entry, flight)
      else if (!isOpen && current === flight) this.#flights.delete(entry)
    }
    const flight: Flight<T> = new Flight<T>(this.#context, asks, setOpen, this.#landed)
    this.#flights.set(entry, flight)
    this.#inProgress++
    return flight.lead(work, timing.waitMs, requestId)
  }

  async accept(acceptance: Acceptance, requestId: string | null = null): Promise<AcceptOutcome | 'unavailable'> {
    const { scope } = acceptance
    this.#accepting ??= new Accepting(this.#context, this.#inbox())
    const outcome = await this.#accepting.accept(acceptance, requestId)
    if (outcome !== 'unavailable' && outcome.status === 'accepted' && acceptance.delayMs === 0) this.#announce(scope)
    return outcome
  }

  work<T>(work: Omit<DueWork<T>, 'maxLosses'>): Worker {
    const worker = new DueWorker<T>(this.#context, this.#inbox(), { ...work, maxLosses: this.#maxLosses })
    this.#workers.add(worker)
    return worker
  }

  async redrive(id: RecordId, options?: { completed?: boolean }): Promise<RedriveOutcome> {
    const store = this.#inbox()
    const outcome = await this.#ask('redrive', () => store.redrive(id, options))
    if (outcome === 'redriven') this.#announce(id.scope)
    return outcome
  }

  /** Tells the workers of a scope, in this process at once, elsewhere where the store can push. */
  #announce(scope: string): void {
    for (const worker of this.#workers) if (worker.scope === scope) worker.wake()
    if (this.#announced.has(scope)) return
    // Many together are one announcement.
    this.#announced.add(scope)
    this.#context.clock.after(ANNOUNCE_EVERY_MS, () => {
      this.#announced.delete(scope)
      this.#inbox().announceDue?.(scope)
    })
  }

  #inbox(): InboxStore {
    const { store } = this.#context
    if (isInboxStore(store)) return store
    throw new ConfigurationError(`the ${store.name} store keeps no inbox`)
  }

  async delete(id: RecordId, options?: { force?: boolean }): Promise<'deleted' | 'absent' | 'running'> {
    // Only attempts that ran before the record was deleted lost it.
    const holds = [...this.#flights.values()]
      .filter(flight => flight.id.scope === id.scope && flight.id.key === id.key)
      .map(flight => flight.hold)
    const outcome = await this.#ask('delete', store => store.delete(id, options))
    if (outcome === 'deleted') {
      for (const hold of holds) hold?.lose('deleted')
      for (const worker of this.#workers) worker.lose(id)
    }
    return outcome
  }

  get(id: RecordId): Promise<StoredRecord | undefined> {
    return this.#ask('get', store => store.get(id))
  }

  list(query: ListQuery): Promise<RecordPage> {
    return this.#ask('list', store => store.list(query))
  }

  quota(scope: string, limits: Partial<Limits>): Quota {
    const { clock, report, store } = this.#context
    const most = { maxRecords: MAX_RECORDS, maxStoredBytes: store.maxStoredBytes ?? MAX_STORED_BYTES, ...limits }
    const context: QuotaContext = {
      clock,
      report,
      usage: scope => this.#ask('usage', store => store.usage?.(scope) ?? Promise.resolve({})),
      has: async id => (await this.get(id)) !== undefined,
    }
    return new Quota(context, scope, most)
  }

  ready(): Promise<void> {
    return this.#ask('ready', store => store.ready())
  }

  settled(): Promise<void> {
    if (this.#inProgress === 0) return Promise.resolve()
    return new Promise(resolve => this.#whenSettled.push(resolve))
  }

  running(): Map<string, number> {
    const counts = new Map<string, number>()
    const add = (scope: string, count: number) => void counts.set(scope, (counts.get(scope) ?? 0) + count)
    for (const { id, hold } of this.#flights.values()) if (hold !== undefined) add(id.scope, 1)
    for (const scope of this.#keyless.scopes()) add(scope, 1)
    for (const { scope, running } of this.#workers) if (running > 0) add(scope, running)
    return counts
  }

  abort(): void {
    const reason = shuttingDown()
    for (const worker of this.#workers) worker.abort(reason)
    this.#keyless.abort(reason)
    for (const flight of this.#flights.values()) flight.hold?.abort(reason)
  }

  #ask<R>(operation: StoreOperation, question: (store: Store) => Promise<R>): Promise<R> {
    return asked(this.#context, operation, () => question(this.#context.store))
  }

  readonly #landed = (): void => {
    if (--this.#inProgress > 0) return
    for (const resolve of this.#whenSettled.splice(0)) resolve()
  }
}

function asJson<T>(value: T): Settlement<T> & { result: Uint8Array } {
  return { value, result: Buffer.from(JSON.stringify(value) ?? '') }
}

function checkName(what: string, name: string): void {
  const bytes = Buffer.byteLength(name)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  if (bytes === 0 || bytes > MAX_KEY_BYTES || /[\x00-\x1f\x7f]/.test(name) || !name.isWellFormed()) {
    throw new InvalidKeyError(`The ${what} must be 1 to ${MAX_KEY_BYTES} bytes without control characters.`)
  }
}
