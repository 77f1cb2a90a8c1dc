import { randomUUID } from 'node:crypto'
import { type Attempt, type AttemptWith, withCommit } from '../engine/attempt.js'
import type { Settlement } from '../engine/commit.js'
import type { Idempotency } from '../engine/idempotency.js'
import type { Quota } from '../engine/quota.js'
import { inRange } from '../engine/timing.js'
import { ConfigurationError } from '../errors.js'
import type { Delivery, DeliveryHead } from '../http/delivery.js'
import { decodeDelivery, encodeDelivery } from '../http/delivery-codec.js'
import { failureReason } from '../http/failure-reason.js'
import { problem } from '../http/problem.js'
import { type Answer, checkedResponse, encodeResponse, type HandlerResponse, replayable } from '../http/response.js'
import { noRoom } from '../receiver/answer.js'
import { cameAt, told } from '../receiver/answer-metrics.js'
import { createIntake, resolveSettings, SOURCE_RULES, type SourceSettings } from '../receiver/checks.js'
import { checkSourceName, committing, discard, engines, type Receiver, type Source } from '../receiver/receiver.js'
import { type DueClaim, type FailNext, isInboxStore, type RedriveOutcome } from '../stores/inbox-store.js'
import { type Clock, systemClock } from '../util/clock.js'
import {
  aFunction,
  aNumber,
  anObject,
  checkOptions,
  hint,
  listOf,
  methods,
  type Rules,
  shown,
} from '../util/options.js'
import type { Report } from '../util/report.js'
import { withDefaults } from '../util/with-defaults.js'
import type { Breaker } from './circuit-breaker.js'
import { RateLimit, Slots } from './concurrency.js'
import { checkedDelays, DEFAULT_RETRY_DELAYS_MS, nextTry } from './retry-schedule.js'
import { targetAfter } from './target-state.js'
import type { DueWork, Worker } from './worker.js'

/**
 * Works on a delivery that was accepted before. What it returns is recorded as the result; nothing counts as 204. What
 * it throws, and a response that is not recordable (by default: not 2xx), is tried again later.
 *
 * @throws {NonRetriableError} to give the delivery up, {@link RetryAfterError} to say when to try again
 */
export type InboxHandler<Kind = never> = (
  delivery: Delivery,
  attempt: AttemptWith<Kind, HandlerResponse>,
) => MaybeResponse | Promise<MaybeResponse>

// biome-ignore lint/suspicious/noConfusingVoidType: what an async function without a return gives
type MaybeResponse = HandlerResponse | undefined | void

/** What differs from sources that answer with the result: a dead delivery is kept until somebody had time to look. */
const DEFAULTS = { retentionMs: 7 * 86_400_000 }

/**
 * A source whose deliveries are acknowledged at once and worked on later. Sizes in bytes, durations in milliseconds.
 * `retentionMs` counts from completion or death, and is 7 days by default, or longer if the sender's retries take longer.
 */
export interface InboxSourceOptions<Kind = never> extends Omit<SourceSettings, 'waitMs'> {
  handler: InboxHandler<Kind>
  /** How many attempts of this source may run at once in this process. Default 10. */
  concurrency?: number
  /** How many attempts of this source may begin in a second in this process. Default: as many as it takes. */
  ratePerSecond?: number
  /** The pauses between attempts. Default {@link DEFAULT_RETRY_DELAYS_MS}: ten attempts over three days. */
  retryDelaysMs?: readonly number[]
  /** Names a group of deliveries that are worked on one at a time, in the order of acceptance. Default: no order. */
  group?: (delivery: Delivery) => string | null
  /** What is down together: shared by the sources whose handlers call the same target. Default: none. */
  breaker?: Breaker
  /** The status of the acknowledgement. Default 202, or what the source's sender takes for success. */
  acceptedStatus?: number
}

const { waitMs: _, ...RULES_THAT_APPLY } = SOURCE_RULES

const INBOX_SOURCE_RULES: Rules = {
  ...RULES_THAT_APPLY,
  handler: aFunction,
  concurrency: aNumber,
  ratePerSecond: aNumber,
  retryDelaysMs: listOf('a list of pauses in milliseconds', aNumber),
  group: aFunction,
  breaker: methods('a Breaker', ['reserve', 'ended']),
  acceptedStatus: aNumber,
}

export interface InboxOptions<Kind = never> {
  receiver: Receiver<Kind>
  /** By the name of the source. */
  handlers: Record<string, InboxHandler<Kind> | InboxSourceOptions<Kind>>
  /** How many attempts may run at once in this process, of all sources together. Default 20. */
  concurrency?: number
}

const INBOX_RULES: Rules = {
  receiver: { words: 'a receiver made by createReceiver', allows: value => engines.has(value as object) },
  handlers: anObject,
  concurrency: aNumber,
}

export interface Inbox {
  /** The source to mount in an adapter: it accepts, and calls no handler. @throws {ConfigurationError} no such source */
  source(name: string): Source
  /** Starts to work on what was accepted, in this process or another. */
  start(): void
  /** Takes nothing more; resolves when what runs has ended. */
  stop(): Promise<void>
  /**
   * A new round of attempts for a dead delivery; with `completed`, also for a completed one that is to be processed
   * again. `busy` while attempts are still to come. @throws {StoreError}
   */
  redrive(source: string, key: string, options?: { completed?: boolean }): Promise<RedriveOutcome>
}

/**
 * Acknowledges deliveries in milliseconds and works on them until they succeed or are set aside for a person. Every
 * delivery that was acknowledged is recorded: it survives a crash, a restart, and an application that is down for days.
 *
 * @example
 * const receiver = createReceiver({ store: sqliteStore('./data/hookonce.db') })
 * const inbox = createInbox({
 *   receiver,
 *   handlers: { orders: async (delivery, attempt) => ship(delivery.json(), attempt.keyFor('ship')) },
 * })
 * app.post('/hooks/orders', idempotent(inbox.source('orders')))
 * inbox.start()
 *
 * @throws {ConfigurationError} naming the option and what is allowed
 */
export function createInbox<Kind>(given: InboxOptions<Kind>): Inbox {
  checkOptions('createInbox', given, INBOX_RULES, ['receiver', 'handlers'])
  const { receiver, handlers, concurrency = 20 } = given
  inRange('concurrency', concurrency, 1, 100_000)
  const { idempotency, options, report } = engines.get(receiver)!
  if (!isInboxStore(options.store)) throw new ConfigurationError(`the ${options.store.name} store keeps no inbox`)
  const slots = new Slots(concurrency)
  const workers: Worker[] = []
  const sources = new Map(
    Object.entries(handlers).map(([name, given]) => {
      checkSourceName(name)
      const own = typeof given === 'function' ? { handler: given } : given
      checkOptions(`createInbox: handlers.${name}`, own, INBOX_SOURCE_RULES, ['handler'])
      const rules = withDefaults(options, own)
      const defaults = rules.sender === undefined ? DEFAULTS : {}
      return [name, new InboxSource<Kind>(name, idempotency, withDefaults(defaults, rules), slots, report)]
    }),
  )

  return {
    source(name) {
      const source = sources.get(name)
      if (source === undefined)
        throw new ConfigurationError(`the inbox has no source ${shown(name)}${hint(String(name), [...sources.keys()])}`)
      return source
    },
    start() {
      if (workers.length > 0) return
      for (const source of sources.values()) workers.push(source.work())
    },
    async stop() {
      await Promise.all(workers.splice(0).map(worker => worker.stop()))
    },
    redrive: (source, key, how) => idempotency.redrive({ scope: source, key }, how),
  }
}

class InboxSource<Kind> implements Source {
  readonly maxBodyBytes: number
  readonly maxResponseBytes: number
  readonly tooLarge: () => Answer
  readonly #name: string
  readonly #idempotency: Idempotency<unknown>
  readonly #options: InboxSourceOptions<Kind>
  readonly #settings: ReturnType<typeof resolveSettings>
  readonly #intake: ReturnType<typeof createIntake>
  readonly #quota: Quota
  readonly #secretHeaders: ReadonlySet<string>
  readonly #delaysMs: readonly number[]
  readonly #slots: Slots
  readonly #rate: RateLimit | undefined
  readonly #clock: Clock
  readonly #report: Report

  constructor(
    name: string,
    idempotency: Idempotency<unknown>,
    options: InboxSourceOptions<Kind> & { clock?: Clock },
    slots: Slots,
    report: Report,
  ) {
    const { concurrency = 10, ratePerSecond, clock = systemClock } = options
    const { acceptedStatus = options.sender?.success?.[0] ?? 202 } = options
    inRange('concurrency', concurrency, 1, 100_000)
    inRange('acceptedStatus', acceptedStatus, 200, 299)
    if (ratePerSecond !== undefined) inRange('ratePerSecond', ratePerSecond, 0.001, 1_000_000)
    this.#name = name
    this.#report = report
    this.#clock = clock
    this.#idempotency = idempotency
    this.#options = { ...options, concurrency, acceptedStatus }
    this.#settings = resolveSettings(options)
    this.#intake = createIntake(this.#settings, clock)
    this.#quota = idempotency.quota(name, this.#settings.limits)
    this.#secretHeaders = new Set(options.sender?.secretHeaders?.map(name => name.toLowerCase()))
    this.#delaysMs = checkedDelays(options.retryDelaysMs ?? DEFAULT_RETRY_DELAYS_MS)
    this.#slots = slots
    this.#rate = ratePerSecond === undefined ? undefined : new RateLimit(clock, ratePerSecond)
    this.maxBodyBytes = this.#settings.maxBodyBytes
    this.maxResponseBytes = this.#settings.maxResponseBytes
    this.tooLarge = () => told(clock, name, cameAt(clock), this.#intake.tooLarge())
  }

  refusal(head: DeliveryHead): Answer | undefined {
    const refused = this.#intake.refusal(head)
    return refused && told(this.#clock, this.#name, cameAt(this.#clock), refused)
  }

  /** Accepts; a delivery without a key is one of its own. */
  async receive(delivery: Delivery): Promise<Answer> {
    const since = cameAt(this.#clock)
    return told(this.#clock, this.#name, since, await this.#accept(delivery))
  }

  async #accept(delivery: Delivery): Promise<Answer> {
    try {
      const taken = this.#intake.take(delivery)
      if ('refusal' in taken) return taken.refusal
      const { label, fingerprint } = taken
      const key = taken.key ?? `keyless.${randomUUID()}`
      const full = this.#quota.isFull ? await this.#quota.refusal(key) : undefined
      if (full !== undefined) return noRoom(full)
      const encoded = await encodeDelivery(delivery, this.#secretHeaders)
      const acceptance = {
        scope: this.#name,
        key,
        label,
        fingerprint,
        delivery: encoded,
        retentionMs: this.#settings.timing.retentionMs,
        delayMs: 0,
        group: this.#options.group?.(delivery) ?? null,
      }
      const outcome = await this.#idempotency.accept(acceptance, delivery.requestId)
      if (outcome === 'unavailable')
        return problem('store_unavailable', { retryAfterMs: 5_000, outcome: 'unavailable' })
      if (outcome.status === 'mismatch') {
        return problem('key_reused', { detail: 'Send a new key with a new payload.', outcome: 'mismatch' })
      }
      if (outcome.status === 'accepted') this.#quota.added(encoded.byteLength)
      return this.#acknowledgement(key, outcome.status === 'known' ? outcome.acceptedAt : undefined)
    } catch (error) {
      return this.failed(error, undefined, delivery.requestId)
    }
  }

  failed(error: unknown, _attempt?: Attempt, requestId: string | null = null): Answer {
    this.#report({ type: 'receiver_failed', scope: this.#name, key: null, requestId, error })
    return problem('handler_failed')
  }

  /** The same for every delivery of a key, whatever became of it. */
  #acknowledgement(key: string, knownSince: number | undefined): Answer {
    const headers: [string, string][] = [['content-type', 'application/json']]
    if (knownSince !== undefined) {
      headers.push(['x-cached', 'true'], ['x-cached-at', new Date(knownSince).toISOString()])
      headers.push(['idempotent-replayed', 'true'])
    }
    const status = this.#options.acceptedStatus ?? 202
    const body = status === 204 ? new Uint8Array() : Buffer.from(JSON.stringify({ status: 'accepted', key }))
    const outcome = knownSince === undefined ? 'accepted' : 'replayed'
    const answer: Answer = { status, headers, body, outcome }
    return knownSince === undefined ? answer : { ...answer, recordedAt: knownSince }
  }

  work(): Worker {
    const { breaker, concurrency = 10 } = this.#options
    const { timing } = this.#settings
    const wake = () => worker.wake()
    breaker?.onRoom(wake)
    const work: Omit<DueWork<HandlerResponse>, 'maxLosses'> = {
      scope: this.#name,
      concurrency,
      timing,
      reserve: most => this.#reserve(most, wake),
      unneeded: count => {
        breaker?.unneeded()
        this.#rate?.unneeded(count)
        this.#slots.free(count)
      },
      run: async (due, attempt, commit) => {
        const delivery = await decodeDelivery(due.delivery)
        attempt.requestId = delivery.requestId
        const settle = (given: MaybeResponse) => this.#settle(given, delivery)
        const own = commit && committing(commit, settle)
        return settle(await this.#options.handler(delivery, withCommit<Kind, HandlerResponse>(attempt, own)))
      },
      next: (due, end, requestId) => this.#next(due, end, requestId),
      ended: (_, end) => breaker?.ended(targetAfter(end)),
      settled: () => this.#slots.free(1),
    }
    const worker = this.#idempotency.work<HandlerResponse>(work)
    return worker
  }

  /** Room by every limit: what one grants and another does not is given back. */
  #reserve(most: number, wake: () => void): number {
    const { breaker } = this.#options
    const bySlots = this.#slots.reserve(this.#name, most, wake)
    const byRate = this.#rate?.reserve(bySlots, wake) ?? bySlots
    const room = breaker?.reserve(byRate) ?? byRate
    if (room < byRate) this.#rate?.unneeded(byRate - room)
    if (room < bySlots) this.#slots.free(bySlots - room)
    return room
  }

  /** Nobody waits for the response but the record. */
  #settle(given: MaybeResponse, delivery: Delivery): Settlement<HandlerResponse> {
    const response = checkedResponse(given ?? { status: 204, headers: [], body: new Uint8Array() })
    discard(response)
    if (!this.#settings.recordable(response)) {
      return { value: response, reason: failureReason(response, delivery, this.maxResponseBytes) }
    }
    const result = encodeResponse(replayable(response, this.maxResponseBytes))
    this.#quota.grew(result.byteLength)
    return { value: response, result }
  }

  #next(due: DueClaim, end: Parameters<DueWork<HandlerResponse>['next']>[1], requestId: string | null): FailNext {
    const tries = due.attempt - due.accepted.earlierAttempts
    const unsettled =
      end.end === 'threw' ? { error: end.error } : end.end === 'given_back' ? { response: end.value } : 'unreachable'
    const next = nextTry(tries, this.#delaysMs, unsettled)
    if (next === 'dead') {
      const reason = tries > this.#delaysMs.length ? 'its attempts are used up' : 'it was given up'
      const { scope, key, attempt } = due
      this.#report({ type: 'delivery_died', scope, key, requestId, attempt, reason })
    }
    return next
  }
}
