import { cameAt, told } from './answering.js'
import { type AttemptWith, type CommitOf, withCommit } from './attempt.js'
import { BindingUnknown, BoundElsewhere, bind, isContentScope } from './binding.js'
import { type Clock, systemClock } from './clock.js'
import { andThen, type Commit, type Settlement } from './committing.js'
import type { Delivery, DeliveryHead } from './delivery.js'
import { publish } from './diagnostics.js'
import { ConfigurationError } from './errors.js'
import { bodyFingerprint } from './fingerprint.js'
import { createIdempotency, type Idempotency } from './idempotency.js'
import { createIntake, type ResolvedSettings, resolveSettings, type SourceSettings } from './intake.js'
import type { Outcome } from './outcome.js'
import { problem } from './problem.js'
import {
  type Answer,
  asSuccess,
  checkedResponse,
  type DeliveryOutcome,
  decodeResponse,
  encodeResponse,
  type HandlerResponse,
  type RecordedResponse,
  replayable,
} from './response.js'
import {
  type ListQuery,
  MAX_KEY_BYTES,
  type RecordPage,
  type RecordSummary,
  type Store,
  type TransactionsOf,
} from './store.js'
import { decodeDelivery } from './stored-delivery.js'
import { withDefaults } from './with-defaults.js'

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
}

export interface ReceiverOptions<S extends Store = Store> extends SourceSettings {
  store: S
  /** How many duplicates may wait at once in this process; one more is answered 409. Default 10,000. */
  maxWaiters?: number
  /** One store operation. Default 2 s, or a third of the lease if that is less; at most that third. */
  storeTimeoutMs?: number
  /** After so many attempts that ended without a word (crashes) a key is not run again. Default 10. */
  maxLosses?: number
  clock?: Clock
}

/** A record with its response decoded. */
export interface ReceiverRecord extends RecordSummary {
  response: RecordedResponse | null
  /** What was accepted, of a record of an inbox. */
  delivery?: Delivery
}

/**
 * A receiver is itself a source, for routes that need no name: each method and path, letter for letter, is a source of
 * its own (`POST /webhook`), so that two routes never share keys. Where several paths mean one endpoint (`/webhook/`,
 * `/tenants/:id/webhook`), give it a name.
 */
export interface Receiver<Kind = never> extends Source<Kind> {
  /** An endpoint with a name, and with rules of its own where `options` has them. @throws {ConfigurationError} */
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
 *
 * @throws {ConfigurationError} naming the option and what is allowed
 */
export function createReceiver<S extends Store>(options: ReceiverOptions<S>): Receiver<TransactionsOf<S>> {
  const { store, clock = systemClock } = options
  const idempotency = createIdempotency(options)
  const settings = resolveSettings(options)
  const receiver: Receiver<TransactionsOf<S>> = {
    ...sourceOf(idempotency, settings, unnamed, clock),
    source({ name, ...own }) {
      if (!/^[\x21-\x7e]+$/.test(name) || name.length > MAX_KEY_BYTES) {
        throw new ConfigurationError(`a source's name must be 1 to ${MAX_KEY_BYTES} visible ASCII characters`)
      }
      return sourceOf(idempotency, resolveSettings(withDefaults(options, own)), () => name, clock)
    },
    async record(source, key) {
      if (isContentScope(source)) return undefined
      const record = await idempotency.get({ scope: source, key })
      if (record === undefined) return undefined
      const { result, delivery, ...summary } = record
      const response = result === null ? null : decodeResponse(result)
      return delivery === undefined
        ? { ...summary, response }
        : { ...summary, response, delivery: await decodeDelivery(delivery) }
    },
    async records(query) {
      const page = await idempotency.list(query)
      return { ...page, records: page.records.filter(({ scope }) => !isContentScope(scope)) }
    },
    deleteRecord: (source, key, how) => idempotency.delete({ scope: source, key }, how),
    settled: () => idempotency.settled(),
    running: () => idempotency.running(),
    abort: () => idempotency.abort(),
    ready: () => idempotency.ready(),
    close: () => store.close(),
  }
  engines.set(receiver, { idempotency: idempotency as Idempotency<unknown>, options })
  return receiver
}

/** What an inbox of a receiver works with. */
export const engines = new WeakMap<
  object,
  { idempotency: Idempotency<unknown>; options: SourceSettings & { clock?: Clock } }
>()

/** The source of a delivery to a receiver's own `receive`. A path too long for a scope is named by its digest. */
function unnamed(delivery?: Delivery): string {
  // What is too large was not read, and is no delivery.
  if (delivery === undefined) return ''
  const { method, path } = delivery
  const name = `${method} ${path}`
  return name.length <= MAX_KEY_BYTES ? name : `${method} ${bodyFingerprint(Buffer.from(path))}`
}

/** What is recorded of a commit without a key. */
const NOTHING = new Uint8Array()

const RETRY_SOON_MS = 1_000
const RETRY_LATER_MS = 5_000

function sourceOf<Kind>(
  idempotency: Idempotency<Kind>,
  settings: ResolvedSettings,
  nameFor: (delivery?: Delivery) => string,
  clock: Clock,
): Source<Kind> {
  const { sender, recordable, maxBodyBytes, maxResponseBytes, timing } = settings
  const intake = createIntake(settings, clock)
  const content = sender?.boundContent
  const deadlineMs = sender?.facts.deadlineMs ?? Number.POSITIVE_INFINITY

  async function receive(delivery: Delivery, handler: Handler<Kind>): Promise<Answer> {
    const since = cameAt(clock)
    const scope = nameFor(delivery)
    try {
      const taken = intake.take(delivery)
      if ('refusal' in taken) return told(clock, scope, since, taken.refusal)
      return told(clock, scope, since, await process(delivery, scope, taken.key, taken.fingerprint, handler))
    } catch (error) {
      publish({ type: 'receiver_failed', scope, key: null, error })
      return told(clock, scope, since, problem('handler_failed'))
    }
  }

  async function process(
    delivery: Delivery,
    scope: string,
    key: string | null,
    fingerprint: string | null,
    handler: Handler<Kind>,
  ): Promise<Answer> {
    let made: HandlerResponse | undefined
    let answered = false
    const settle = (answer: HandlerResponse): Settlement<HandlerResponse> => {
      const response = asSuccess(checkedResponse(answer), sender?.success)
      // After a commit the handler gives the same response once more.
      if (answered && response.rest !== made?.rest) discard(response)
      made = response
      if (!recordable(response)) return { value: response }
      return {
        value: response,
        result: key === null ? NOTHING : encodeResponse(replayable(response, maxResponseBytes)),
      }
    }
    const outcome = await idempotency.process<HandlerResponse>(
      { scope, key, fingerprint, timing },
      async (attempt, commit) => {
        if (content !== undefined && key !== null) await bind(idempotency, content, { scope, key }, delivery, timing)
        const begunAt = clock.monotonic()
        const answer = await handler(delivery, withCommit(attempt, commit && committing(commit, settle)))
        const tookMs = clock.monotonic() - begunAt
        if (tookMs > deadlineMs) publish({ type: 'deadline_missed', scope, key, tookMs, deadlineMs })
        return settle(answer)
      },
    )
    answered = true
    if (outcome.kind === 'threw' && outcome.error instanceof BoundElsewhere) {
      return process(delivery, scope, outcome.error.key, fingerprint, handler)
    }
    const answer = answerTo(outcome, maxResponseBytes)
    if (made !== undefined && answer.rest !== made.rest) discard(made)
    return answer
  }

  function refusal(head: DeliveryHead): Answer | undefined {
    const refused = intake.refusal(head)
    return refused && told(clock, nameFor(), cameAt(clock), refused)
  }

  const tooLarge = () => told(clock, nameFor(), cameAt(clock), intake.tooLarge())
  return { maxBodyBytes, maxResponseBytes, refusal, tooLarge, receive }
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

function answerTo(outcome: Outcome<HandlerResponse>, maxResponseBytes: number): Answer {
  switch (outcome.kind) {
    case 'executed':
      return answerOf(outcome.value, 'executed')
    case 'replayed':
      return replay(outcome)
    case 'given_back':
      return outcome.joined
        ? { ...marked(replayable(outcome.value, maxResponseBytes)), outcome: 'failed' }
        : answerOf(outcome.value, 'failed')
    case 'threw':
      return outcome.error instanceof BindingUnknown ? unavailable() : problem('handler_failed')
    case 'in_progress':
      return problem('in_progress', { retryAfterMs: RETRY_SOON_MS, outcome: 'in_progress' })
    case 'mismatch':
      return problem('key_reused', { detail: 'Send a new key with a new payload.', outcome: 'mismatch' })
    case 'attempts_exhausted':
      return problem('attempts_exhausted', {
        detail: `${outcome.losses} attempts ended without a word. Delete the record to try again.`,
      })
    case 'attempt_failed':
      return problem('attempt_failed', { retryAfterMs: RETRY_SOON_MS })
    case 'attempt_lost':
    case 'attempt_timeout':
      return problem(outcome.kind, { outcome: 'lost' })
    case 'store_unavailable':
      return unavailable()
  }
}

const unavailable = (): Answer => problem('store_unavailable', { retryAfterMs: RETRY_LATER_MS, outcome: 'unavailable' })

function answerOf({ status, headers, body, rest }: HandlerResponse, outcome: DeliveryOutcome): Answer {
  return rest === undefined ? { status, headers, body, outcome } : { status, headers, body, rest, outcome }
}

function replay({ result, completedAt, joined }: Outcome<unknown> & { kind: 'replayed' }): Answer {
  const { status, headers, body, bodyOmitted } = decodeResponse(result)
  const all = headers as [string, string][]
  if (bodyOmitted) all.push(OMITTED)
  all.push(['x-cached', 'true'], ['x-cached-at', new Date(completedAt).toISOString()], ['idempotent-replayed', 'true'])
  return { status, headers: all, body, outcome: joined ? 'joined' : 'replayed', recordedAt: completedAt }
}

const OMITTED: [string, string] = ['x-cached-body', 'omitted']

function marked({ status, headers, body, bodyOmitted }: RecordedResponse) {
  return { status, headers: bodyOmitted ? [...headers, OMITTED] : headers, body }
}
