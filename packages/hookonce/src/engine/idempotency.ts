import { InvalidKeyError, NoResultError } from '../errors.js'
import {
  type ListQuery,
  MAX_KEY_BYTES,
  type RecordId,
  type RecordPage,
  type Store,
  type StoredRecord,
  type TransactionsOf,
} from '../stores/store.js'
import { checkOptions } from '../util/options.js'
import { createReport } from '../util/report.js'
import { type AttemptWith, withCommit } from './attempt.js'
import { mapCommit, type Settlement } from './commit.js'
import { Engine } from './engine.js'
import { ENGINE_RULES, type IdempotencyOptions } from './options.js'

export interface RunRequest extends RecordId {
  /** What must be equal for two requests to be one operation, e.g. a digest of the input. Default: nothing is compared. */
  fingerprint?: string | null
}

/** One result per (scope, key), for all processes that share the store. `Kind`: the store's transactions, if it has any. */
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
  /** What is recorded for a key. @throws {StoreError} also when the store does not answer in time */
  get(id: RecordId): Promise<StoredRecord | undefined>
  /** One page of what is recorded. @throws {StoreError} also when the store does not answer in time */
  list(query: ListQuery): Promise<RecordPage>
  /**
   * Forgets a key. A running attempt is refused (`running`) unless forced; then its result will be refused.
   * @throws {StoreError} also when the store does not answer in time
   */
  delete(id: RecordId, options?: { force?: boolean }): Promise<'deleted' | 'absent' | 'running'>
  /** Resolves when the store can do its work. @throws {StoreError} also when it does not answer in time */
  ready(): Promise<void>
  /** Resolves when nothing is in progress, results still on their way to the store included. */
  settled(): Promise<void>
  /** How many attempts run, by scope; a scope without any is absent. */
  running(): Map<string, number>
  /** Aborts the signal of every running attempt. */
  abort(): void
}

/** @throws {ConfigurationError} naming the option and what is allowed */
export function createIdempotency<S extends Store>(options: IdempotencyOptions<S>): Idempotency<TransactionsOf<S>> {
  checkOptions('createIdempotency', options, ENGINE_RULES, ['store'])
  const engine = new Engine(options, createReport(options.onEvent))
  return {
    run: (request, work) => run(engine, request, work),
    get: id => engine.get(id),
    list: query => engine.list(query),
    delete: (id, how) => engine.delete(id, how),
    ready: () => engine.ready(),
    settled: () => engine.settled(),
    running: () => engine.context.running.counts(),
    abort: () => engine.context.running.abort(),
  }
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

async function run<Kind, T>(
  engine: Engine,
  { scope, key, fingerprint = null }: RunRequest,
  work: (attempt: AttemptWith<Kind, unknown>) => T | Promise<T>,
): Promise<{ value: T; replayed: boolean }> {
  checkName('scope', scope)
  checkName('key', key)
  const outcome = await engine.process<unknown>(
    { scope, key, fingerprint, timing: engine.timing },
    // What the effects of a commit return is the value, whatever the work returns then.
    async (attempt, commit) => asJson(await work(withCommit(attempt, commit && mapCommit(commit, asJson)))),
  )
  switch (outcome.kind) {
    case 'executed':
      return { value: outcome.value as T, replayed: false }
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
