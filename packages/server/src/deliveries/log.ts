import type { Answer, Delivery, DeliveryOutcome, Handler } from 'hookonce'
import type { Logger } from 'pino'
import type { ResolvedConfig } from '../config/resolve.js'
import { PROBLEM_HELP } from '../http/problem-help.js'
import { problemIn } from '../http/problems.js'
import { type FormatKey, keyFormatter } from '../observability/log-keys.js'
import type { Traced } from '../observability/telemetry/traces.js'

/** At most one line about refusals in this time: anybody can cause them. */
const REFUSALS_INTERVAL_MS = 10_000

/** Outcomes of deliveries whose key was not read, or is not valid. */
const WITHOUT_KEY = new Set<DeliveryOutcome>(['unauthorized', 'handshake', 'invalid'])

/** Outcomes whose answer is the handler's own. */
const RESULTS = new Set<DeliveryOutcome>(['executed', 'replayed', 'joined'])

/** What is logged of a delivery beside its answer. */
export interface Received {
  method: string
  requestId: string | null
  /** By `performance.now()`. */
  startedAt: number
  /** `undefined`: it was refused before its body was read. */
  delivery?: Delivery
  /** `undefined`: it is not in a trace. */
  traced?: Traced | undefined
}

/**
 * Logs the failures and refusals of one source, and a share of its other deliveries; for people, and at `debug`, all. Bodies
 * and signatures are never logged.
 */
export class DeliveryLog {
  readonly #source: string
  readonly #keyOf: (delivery: Delivery) => string | null
  readonly #log: Logger
  readonly #isPretty: boolean
  /** Of the deliveries that go well, how many are logged. */
  readonly #share: number
  readonly #formatKey: FormatKey
  /** By the delivery that ran it. */
  readonly #attempts = new WeakMap<Delivery, number>()
  /** Refusals since the last line about them; `undefined`: the interval is over. */
  #refused: number | undefined

  /** @param keyOf reads the key of a delivery, as the source does */
  constructor(
    source: string,
    keyOf: (delivery: Delivery) => string | null,
    log: Logger,
    { logKeys, logFormat, logDeliveries }: Pick<ResolvedConfig, 'logKeys' | 'logFormat' | 'logDeliveries'>,
  ) {
    this.#source = source
    this.#keyOf = keyOf
    this.#log = log
    this.#isPretty = logFormat === 'pretty'
    this.#share = this.#isPretty ? 1 : logDeliveries
    this.#formatKey = keyFormatter(log, logKeys)
  }

  /** The same handler; its attempts are numbered in the lines of their deliveries. */
  numbered(handler: Handler): Handler {
    if (this.#share === 0) return handler
    return (delivery, attempt) => {
      this.#attempts.set(delivery, attempt.number)
      return handler(delivery, attempt)
    }
  }

  answered({ method, requestId, startedAt, delivery, traced }: Received, answer: Answer): void {
    const { status, outcome } = answer
    if (outcome === 'unauthorized') this.#countRefused(method, answer)
    const isDebug = this.#log.isLevelEnabled('debug')
    const isEvent = delivery !== undefined && (status >= 500 || outcome === 'mismatch')
    const isSampled = this.#isPretty || (delivery !== undefined && Math.random() < this.#share)
    if (!isEvent && !isDebug && !isSampled) return
    const facts = {
      source: this.#source,
      key: delivery && this.#formatKey(this.#keyUsed(delivery, outcome)),
      requestId: requestId ?? undefined,
      traceId: traced?.traceId,
      attempt: answer.attempt ?? traced?.attempt ?? (delivery && this.#attempts.get(delivery)),
      durationMs: since(startedAt),
      status,
      outcome,
      ...(this.#isPretty && { fix: fixOf(answer) }),
    }
    if (isDebug) this.#log.debug({ ...facts, bytes: delivery?.body.length }, 'delivery')
    else if (status >= 500) this.#log.warn(facts, 'delivery failed')
    else this.#log.info(facts, outcome === 'mismatch' ? 'idempotency key reused for another payload' : 'delivery')
  }

  failed(error: unknown, requestId: string, startedAt: number): void {
    const facts = { source: this.#source, requestId, durationMs: since(startedAt), err: error }
    this.#log.error(facts, 'delivery not answered')
  }

  /** Deliveries whose signature is not valid: the first is logged at once, then how many there were in each interval. */
  #countRefused(method: string, answer: Answer): void {
    if (this.#refused === undefined) this.#logRefused(1, reasonOf(method, answer))
    else this.#refused++
  }

  #logRefused(count: number, reason?: string): void {
    this.#log.info({ source: this.#source, count, reason }, 'deliveries refused: signature verification failed')
    this.#refused = 0
    setTimeout(() => {
      const since = this.#refused ?? 0
      this.#refused = undefined
      if (since > 0) this.#logRefused(since)
    }, REFUSALS_INTERVAL_MS).unref()
  }

  #keyUsed(delivery: Delivery, outcome: DeliveryOutcome): string | null | undefined {
    if (WITHOUT_KEY.has(outcome)) return undefined
    try {
      return this.#keyOf(delivery)
    } catch {
      // The receiver has reported it.
      return undefined
    }
  }
}

const since = (startedAt: number): number => Number((performance.now() - startedAt).toFixed(1))

/** A problem's detail. A handshake has no problem: its answer has the sender's own form. */
function reasonOf(method: string, answer: Answer): string {
  const detail = problemIn(answer)?.detail
  return (
    detail ??
    `The ${method} is not the sender's handshake: compare the verify token with the one in the sender's console.`
  )
}

/** What to do about a problem of the receiver's. A handler's failure has a line of its own, above. */
function fixOf(answer: Answer): string | undefined {
  if (answer.status < 400 || RESULTS.has(answer.outcome)) return undefined
  const code = problemIn(answer)?.code
  return code === undefined || code === 'handler_failed' ? undefined : PROBLEM_HELP[code]?.todo
}
