import { randomUUID } from 'node:crypto'
import { asked } from './asking.js'
import { AbortableAttempt, type AttemptWith, type CommitOf, withCommit } from './attempt.js'
import { type Clock, systemClock } from './clock.js'
import { andThen, type Commit, type Effects, hasTransactions, type Settlement, transact } from './committing.js'
import { publish } from './diagnostics.js'
import { InvalidKeyError, NoResultError } from './errors.js'
import type { Work } from './holding.js'
import { Flight, type FlightContext, type Outcome } from './joining.js'
import { newLeaseId } from './lease-id.js'
import { inRange, resolveTiming, type Timing } from './settings.js'
import { MAX_KEY_BYTES, type RecordId, type Store, type StoredRecord, type TransactionsOf } from './store.js'
import { TimeLimits } from './time-limits.js'

export interface IdempotencyOptions<S extends Store = Store> extends Partial<Timing> {
  store: S
  /** How many requests may wait at once in this process for attempts of others. Default 10,000. */
  maxWaiters?: number
  /** One store operation. Default 2 s, or a third of the lease if that is less; at most that third. */
  storeTimeoutMs?: number
  /** After so many attempts that ended without a word (crashes) a key is not run again. Default 10. */
  maxLosses?: number
  clock?: Clock
}

export interface RunRequest extends RecordId {
  /** What must be equal for two requests to be one operation, e.g. a digest of the input. Default: nothing is compared. */
  fingerprint?: string | null
}

export interface ProcessRequest {
  scope: string
  /** `null`: not deduplicated, the work runs every time. */
  key: string | null
  fingerprint: string | null
  timing: Timing
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
  /** What is recorded for a key. @throws {StoreError} also when the store does not answer in time */
  get(id: RecordId): Promise<StoredRecord | undefined>
  /**
   * Forgets a key. A running attempt is refused (`running`) unless forced; then its result will be refused.
   * @throws {StoreError} also when the store does not answer in time
   */
  delete(id: RecordId, options?: { force?: boolean }): Promise<'deleted' | 'absent' | 'running'>
  /** Resolves when the store can do its work. @throws {StoreError} also when it does not answer in time */
  ready(): Promise<void>
  /** Resolves when nothing is in progress, results still on their way to the store included. */
  settled(): Promise<void>
  /** Aborts the signal of every running attempt. */
  abort(): void
}

const UNAVAILABLE: Record<string, [message: string, retryAfterMs?: number]> = {
  in_progress: ['another attempt for this key is still running', 1_000],
  mismatch: ['this key was used with another fingerprint'],
  attempts_exhausted: ['attempts for this key crashed too often'],
  attempt_failed: ['the attempt that was waited for failed', 1_000],
  attempt_lost: ['the attempt lost its lease', 1_000],
  attempt_timeout: ['the attempt reached its lock TTL', 1_000],
  store_unavailable: ['the store cannot be asked', 1_000],
}

/** @throws {ConfigurationError} */
export function createIdempotency<S extends Store>(options: IdempotencyOptions<S>): Idempotency<TransactionsOf<S>> {
  return new Engine<TransactionsOf<S>>(options)
}

class Engine<Kind> implements Idempotency<Kind> {
  readonly #context: FlightContext
  readonly #timing: Timing
  readonly #maxLosses: number
  // biome-ignore lint/suspicious/noExplicitAny: requests for one key share a flight, whatever their work returns
  readonly #flights = new Map<string, Flight<any>>()
  readonly #keyless = new Set<AbortableAttempt>()
  #inProgress = 0
  #whenSettled: (() => void)[] = []

  constructor(options: IdempotencyOptions) {
    const { store, clock = systemClock, maxWaiters = 10_000, maxLosses = 10 } = options
    this.#timing = resolveTiming(options)
    const third = this.#timing.leaseMs / 3
    const { storeTimeoutMs = Math.min(2_000, third) } = options
    inRange('storeTimeoutMs', storeTimeoutMs, 1, third)
    inRange('maxLosses', maxLosses, 1, Number.MAX_SAFE_INTEGER)
    inRange('maxWaiters', maxWaiters, 0, Number.MAX_SAFE_INTEGER)
    this.#maxLosses = maxLosses
    let waiting = 0
    this.#context = {
      store,
      clock,
      limits: new TimeLimits(clock),
      storeTimeoutMs,
      admit: () => waiting < maxWaiters && ++waiting > 0,
      leave: () => void waiting--,
    }
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
    const { scope, key, fingerprint, timing } = request
    if (key === null) return this.#runAlways(scope, timing, work)
    // Neither scope nor key holds a control character.
    const entry = `${scope}\n${key}\n${fingerprint ?? ''}`
    const flying = this.#flights.get(entry)
    if (flying !== undefined) return flying.join(work, timing.waitMs)
    const { leaseMs, lockTtlMs, retentionMs } = timing
    const asks = { scope, key, fingerprint, leaseMs, lockTtlMs, retentionMs, maxLosses: this.#maxLosses }
    const closed = () => {
      if (this.#flights.get(entry) === flight) this.#flights.delete(entry)
    }
    const flight: Flight<T> = new Flight<T>(this.#context, asks, closed, this.#landed)
    this.#flights.set(entry, flight)
    this.#inProgress++
    return flight.lead(work, timing.waitMs)
  }

  async delete(id: RecordId, options?: { force?: boolean }): Promise<'deleted' | 'absent' | 'running'> {
    // Only attempts that ran before the record was deleted lost it.
    const holds = [...this.#flights.values()]
      .filter(flight => flight.id.scope === id.scope && flight.id.key === id.key)
      .map(flight => flight.hold)
    const outcome = await this.#ask(store => store.delete(id, options))
    if (outcome === 'deleted') for (const hold of holds) hold?.lose('deleted')
    return outcome
  }

  get(id: RecordId): Promise<StoredRecord | undefined> {
    return this.#ask(store => store.get(id))
  }

  ready(): Promise<void> {
    return this.#ask(store => store.ready())
  }

  settled(): Promise<void> {
    if (this.#inProgress === 0) return Promise.resolve()
    return new Promise(resolve => this.#whenSettled.push(resolve))
  }

  abort(): void {
    const reason = new NoResultError('attempt_lost', 'this process is shutting down')
    for (const attempt of this.#keyless) attempt.abort(reason)
    for (const flight of this.#flights.values()) flight.hold?.abort(reason)
  }

  #ask<R>(question: (store: Store) => Promise<R>): Promise<R> {
    return asked(this.#context, () => question(this.#context.store))
  }

  /** Without a key there is nothing to hold: the work runs under the lock TTL alone. */
  #runAlways<T>(scope: string, timing: Timing, work: Work<T>) {
    const { clock, limits } = this.#context
    const attempt = new AbortableAttempt(scope, null, 1, String(clock.now() * 1000))
    this.#inProgress++
    this.#keyless.add(attempt)
    return new Promise<Outcome<T>>(resolve => {
      const lift = limits.start(timing.lockTtlMs, () => {
        attempt.abort(new NoResultError('attempt_timeout', 'the lock TTL is over'))
        publish({ type: 'attempt_lost', scope, key: null, attempt: 1, reason: 'lock_ttl' })
        resolve({ kind: 'attempt_timeout' })
      })
      const end = (outcome: Outcome<T>) => {
        lift()
        this.#keyless.delete(attempt)
        this.#landed()
        resolve(outcome)
      }
      const commit = hasTransactions(this.#context.store)
        ? (effects: Effects<T>) => this.#commitAlone(scope, timing, effects)
        : undefined
      work(attempt, commit).then(
        ({ value }) => end({ kind: 'executed', value }),
        error => {
          publish({ type: 'handler_threw', scope, key: null, attempt: 1, error })
          end({ kind: 'threw', joined: false, error })
        },
      )
    })
  }

  /** A commit of work that has no key: its record is nobody's, and gone at once. */
  async #commitAlone<T>(scope: string, { lockTtlMs }: Timing, effects: Effects<T>): Promise<T> {
    const { store } = this.#context
    if (!hasTransactions(store)) throw new Error('unreachable: only offered where the store has transactions')
    const id = { scope, key: `keyless.${randomUUID()}` }
    const leaseId = newLeaseId()
    const request = { ...id, fingerprint: null, leaseId, leaseMs: lockTtlMs, lockTtlMs, retentionMs: 1, maxLosses: 1 }
    await this.#ask(store => store.claim(request))
    try {
      const committed = await transact(store, id, leaseId, effects)
      if (committed.status === 'completed') return committed.value
      await this.#ask(store => store.fail(id, leaseId, 'not committed'))
      if (committed.status === 'rolled_back') return committed.value
    } catch (error) {
      await this.#ask(store => store.fail(id, leaseId, 'not committed')).catch(() => {})
      throw error
    }
    throw new NoResultError('attempt_lost', 'the attempt was lost: nothing was committed')
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
