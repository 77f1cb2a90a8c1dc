import { type Attempt, type AttemptWith, type CommitOf, withCommit } from '../engine/attempt.js'
import { andThen, type Commit, type Settlement } from '../engine/commit.js'
import { createEngine, type Idempotency } from '../engine/idempotency.js'
import { ENGINE_RULES, type IdempotencyOptions } from '../engine/options.js'
import { ConfigurationError } from '../errors.js'
import type { Delivery, DeliveryHead } from '../http/delivery.js'
import { decodeDelivery } from '../http/delivery-codec.js'
import { failureReason } from '../http/failure-reason.js'
import { problem } from '../http/problem.js'
import {
  type Answer,
  asSuccess,
  checkedResponse,
  decodeResponse,
  encodeResponse,
  type HandlerResponse,
  type RecordedResponse,
  replayable,
} from '../http/response.js'
import {
  type ListQuery,
  MAX_KEY_BYTES,
  type RecordPage,
  type RecordSummary,
  type Store,
  type TransactionsOf,
} from '../stores/store.js'
import { type Clock, systemClock } from '../util/clock.js'
import { aText, checkOptions, shown } from '../util/options.js'
import { createReport, type Report } from '../util/report.js'
import { withDefaults } from '../util/with-defaults.js'
import { answerTo, noRoom } from './answer.js'
import { cameAt, told } from './answer-metrics.js'
import {
  createIntake,
  type Names,
  type ResolvedSettings,
  resolveSettings,
  SOURCE_RULES,
  type SourceSettings,
} from './checks.js'

/**
 * Runs once for a delivery at most; whether its response is recorded the source decides. `Kind`: the transactions of
 * the receiver's store, if it has any; then `attempt.commit` is there.
 */
export type Handler<Kind = never> = (
  delivery: Delivery,
  attempt: AttemptWith<Kind, HandlerResponse>,
) => HandlerResponse | Promise<HandlerResponse>

export interface SourceOptions extends SourceSettings {
  /** Names the endpoint; sources with different names never share keys. 1 to 255 bytes. */
  name: string
}

/** One endpoint: its own keys, its own rules. */
export interface Source<Kind = never> {
  /** The largest body to read, in bytes; adapters answer more than that with `tooLarge()`. */
  readonly maxBodyBytes: number
  /** How much of a handler's response an adapter gathers before it hands on the remainder as `rest`. */
  readonly maxResponseBytes: number
  /**
   * The answer to a delivery that its head alone is refused for, so that its body need not be read: too many header
   * fields, or a token that is wrong. `undefined`: read the body, and `receive`, which looks at everything again.
   */
  refusal(head: DeliveryHead): Answer | undefined
  /** Never rejects: whatever goes wrong is an answer. */
  receive(delivery: Delivery, handler: Handler<Kind>): Promise<Answer>
  /** 413: the adapter stopped reading the body. */
  tooLarge(): Answer
  /**
   * 500, and an event: the adapter cannot read the delivery, or not send its answer, for a reason at home. With an
   * attempt: its handler threw where no answer of its own tells.
   */
  failed(error: unknown, attempt?: Attempt, requestId?: string | null): Answer
}

/** Rules are those of every source that has none of its own. */
export interface ReceiverOptions<S extends Store = Store> extends SourceSettings, IdempotencyOptions<S> {}

/** A record with its response decoded. */
export interface ReceiverRecord extends RecordSummary {
  response: RecordedResponse | null
  /** What was accepted, of a record of an inbox. */
  delivery?: Delivery
}

/** One store, and the sources whose keys and results are kept in it. */
export interface Receiver<Kind = never> {
  /**
   * An endpoint with a name, and with rules of its own where `options` has them. Two with one name share their keys.
   * @throws {ConfigurationError} naming the option and what is allowed
   */
  source(options: SourceOptions): Source<Kind>
  /** What is recorded for a key of the named source. @throws {StoreError} also when the store does not answer in time */
  record(source: string, key: string): Promise<ReceiverRecord | undefined>
  /** One page of records, at most `limit`, without what was answered or accepted. @throws {StoreError} */
  records(query: ListQuery): Promise<RecordPage>
  /** Forgets a key. A running attempt is refused (`running`) unless forced; its result is refused then. @throws {StoreError} */
  deleteRecord(source: string, key: string, options?: { force?: boolean }): Promise<'deleted' | 'absent' | 'running'>
  /** Resolves when no attempt is in flight, results still on their way to the store included. */
  settled(): Promise<void>
  /** How many attempts run, by source; one without any is not there. */
  running(): Map<string, number>
  /** Aborts the signal of every running attempt. */
  abort(): void
  /** Resolves when the store can do its work. @throws {StoreError} */
  ready(): Promise<void>
  /** Closes the store. Wait for `settled()` first. */
  close(): Promise<void>
}

/**
 * @example
 * const receiver = createReceiver({ store: sqliteStore('./data/hookonce.db') })
 * const orders = receiver.source({ name: 'orders' })
 *
 * @throws {ConfigurationError} naming the option and what is allowed
 */
export function createReceiver<S extends Store>(options: ReceiverOptions<S>): Receiver<TransactionsOf<S>> {
  checkOptions('createReceiver', options, { ...SOURCE_RULES, ...ENGINE_RULES }, ['store'])
  const { store, clock = systemClock } = options
  const report = createReport(options.onEvent)
  const idempotency = createEngine(options, report)
  const settings = resolveSettings(options)
  const receiver: Receiver<TransactionsOf<S>> = {
    source(given) {
      checkOptions('receiver.source', given, { ...SOURCE_RULES, name: aText }, ['name'])
      const { name, ...own } = given
      checkSourceName(name)
      return sourceOf(idempotency, resolveSettings(withDefaults(options, own)), name, clock, report)
    },
    async record(source, key) {
      const record = await idempotency.get({ scope: source, key })
      if (record === undefined) return undefined
      const { result, delivery, ...summary } = record
      const response = result === null ? null : decodeResponse(result)
      return delivery === undefined
        ? { ...summary, response }
        : { ...summary, response, delivery: await decodeDelivery(delivery) }
    },
    records: query => idempotency.list(query),
    deleteRecord: (source, key, how) => idempotency.delete({ scope: source, key }, how),
    settled: () => idempotency.settled(),
    running: () => idempotency.running(),
    abort: () => idempotency.abort(),
    ready: () => idempotency.ready(),
    close: () => store.close(),
  }
  const routeSource = (name: string) => {
    // The space keeps it apart from the names that `source` takes.
    checkSourceName(name.replace(' ', '_'))
    return sourceOf(idempotency, settings, name, clock, report)
  }
  engines.set(receiver, { idempotency: idempotency as Idempotency<unknown>, options, report, routeSource })
  return receiver
}

/** What an inbox and the adapters of a receiver work with. */
export const engines = new WeakMap<
  object,
  {
    idempotency: Idempotency<unknown>
    options: SourceSettings & { store: Store; clock?: Clock }
    report: Report
    /** A source with the receiver's own rules, named by method and pattern. @throws {ConfigurationError} too long */
    // biome-ignore lint/suspicious/noExplicitAny: the receiver's own kind
    routeSource: (name: string) => Source<any>
  }
>()

/** @throws {ConfigurationError} */
export function checkSourceName(name: string): void {
  if (/^[\x21-\x7e]+$/.test(name) && name.length <= MAX_KEY_BYTES) return
  throw new ConfigurationError(
    `a source's name must be 1 to ${MAX_KEY_BYTES} visible ASCII characters, not ${shown(name)}`,
  )
}

/** What is recorded of a commit without a key. */
const NOTHING = new Uint8Array()

function sourceOf<Kind>(
  idempotency: Idempotency<Kind>,
  settings: ResolvedSettings,
  scope: string,
  clock: Clock,
  report: Report,
): Source<Kind> {
  const { sender, recordable, maxBodyBytes, maxResponseBytes, limits, timing } = settings
  const intake = createIntake(settings, clock)
  const quota = idempotency.quota(scope, limits)
  const deadlineMs = sender?.facts.deadlineMs ?? Number.POSITIVE_INFINITY

  async function receive(delivery: Delivery, handler: Handler<Kind>): Promise<Answer> {
    const since = cameAt(clock)
    try {
      const taken = intake.take(delivery)
      if ('refusal' in taken) return told(clock, scope, since, taken.refusal)
      const full = quota.isFull && taken.key !== null ? await quota.refusal(taken.key) : undefined
      if (full !== undefined) return told(clock, scope, since, noRoom(full))
      return told(clock, scope, since, await process(delivery, taken, handler))
    } catch (error) {
      return told(clock, scope, since, failed(error, undefined, delivery.requestId))
    }
  }

  function failed(error: unknown, attempt?: Attempt, requestId: string | null = null): Answer {
    if (attempt === undefined) report({ type: 'receiver_failed', scope, key: null, requestId, error })
    else report({ type: 'handler_threw', scope, key: attempt.key, requestId, attempt: attempt.number, error })
    return problem('handler_failed')
  }

  async function process(
    delivery: Delivery,
    { key, label, fingerprint }: Names,
    handler: Handler<Kind>,
  ): Promise<Answer> {
    const { requestId } = delivery
    let made: HandlerResponse | undefined
    let answered = false
    let number: number | undefined
    const settle = (answer: HandlerResponse): Settlement<HandlerResponse> => {
      const response = asSuccess(checkedResponse(answer), sender?.success)
      // After a commit the handler gives the same response once more.
      if (answered && response.rest !== made?.rest) discard(response)
      made = response
      if (!recordable(response)) {
        return { value: response, reason: failureReason(response, delivery, maxResponseBytes) }
      }
      if (key === null) return { value: response, result: NOTHING }
      const result = encodeResponse(replayable(response, maxResponseBytes))
      quota.grew(result.byteLength)
      return { value: response, result }
    }
    const outcome = await idempotency.process<HandlerResponse>(
      { scope, key, label, fingerprint, timing, requestId },
      async (attempt, commit) => {
        number = attempt.number
        if (key !== null && number === 1) quota.added()
        const begunAt = clock.monotonic()
        const answer = await handler(delivery, withCommit(attempt, commit && committing(commit, settle)))
        const tookMs = clock.monotonic() - begunAt
        if (tookMs > deadlineMs) {
          report({ type: 'deadline_missed', scope, key, requestId, attempt: attempt.number, tookMs, deadlineMs })
        }
        return settle(answer)
      },
    )
    answered = true
    const answer = answerTo(outcome, maxResponseBytes)
    if (answer.status >= 400 && number !== undefined) answer.attempt = number
    if (made !== undefined && answer.rest !== made.rest) discard(made)
    return answer
  }

  function refusal(head: DeliveryHead): Answer | undefined {
    const refused = intake.refusal(head)
    return refused && told(clock, scope, cameAt(clock), refused)
  }

  const tooLarge = () => told(clock, scope, cameAt(clock), intake.tooLarge())
  return { maxBodyBytes, maxResponseBytes, refusal, tooLarge, failed, receive }
}

/** The engine's commit for effects that come to a response. */
export function committing(
  commit: Commit<HandlerResponse>,
  settle: (response: HandlerResponse) => Settlement<HandlerResponse>,
): CommitOf<HandlerResponse> {
  return async <R extends HandlerResponse>(effects: (tx: unknown) => R | Promise<R>) => {
    let given!: R
    await commit(tx =>
      andThen(effects(tx), response => {
        given = response
        return settle(response)
      }),
    )
    return given
  }
}

/** Nobody will read what follows of this response: its source is told to stop. */
export function discard({ rest }: HandlerResponse): void {
  rest?.[Symbol.asyncIterator]()
    .return?.()
    ?.catch(() => {})
}
