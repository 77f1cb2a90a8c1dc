import type { Answer, Delivery, DeliveryOutcome } from 'hookonce'
import type { Logger } from 'pino'
import { type FormatKey, keyFormatter, type LogKeys } from '../observability/log-keys.js'

/** At most one line about refusals in this time: anybody can cause them. */
const REFUSALS_INTERVAL_MS = 10_000

/** Outcomes of deliveries whose key was not read, or is not valid. */
const WITHOUT_KEY = new Set<DeliveryOutcome>(['unauthorized', 'handshake', 'invalid'])

/** Logs the failures and refusals of one source; at `debug` every delivery. Bodies and signatures are never logged. */
export class DeliveryLog {
  readonly #source: string
  readonly #keyOf: (delivery: Delivery) => string | null
  readonly #log: Logger
  readonly #formatKey: FormatKey
  /** Refusals since the last line about them; `undefined`: the interval is over. */
  #refused: number | undefined

  /** @param keyOf reads the key of a delivery, as the source does */
  constructor(source: string, keyOf: (delivery: Delivery) => string | null, log: Logger, keys: LogKeys) {
    this.#source = source
    this.#keyOf = keyOf
    this.#log = log
    this.#formatKey = keyFormatter(log, keys)
  }

  answered(delivery: Delivery, answer: Answer, startedAt: number): void {
    const { status, outcome, attempt } = answer
    this.refused(delivery.method, answer)
    const isDebug = this.#log.isLevelEnabled('debug')
    if (!isDebug && status < 500 && outcome !== 'mismatch') return
    const facts = {
      source: this.#source,
      key: this.#formatKey(this.#keyUsed(delivery, outcome)),
      requestId: delivery.requestId ?? undefined,
      attempt,
      durationMs: since(startedAt),
      status,
      outcome,
    }
    if (isDebug) this.#log.debug({ ...facts, bytes: delivery.body.length }, 'delivery')
    else if (status >= 500) this.#log.warn(facts, 'delivery failed')
    else this.#log.info(facts, 'idempotency key reused for another payload')
  }

  failed(error: unknown, requestId: string, startedAt: number): void {
    const facts = { source: this.#source, requestId, durationMs: since(startedAt), err: error }
    this.#log.error(facts, 'delivery not answered')
  }

  /** Logs deliveries whose signature is not valid: the first at once, then how many there were in each interval. */
  refused(method: string, answer: Answer): void {
    if (answer.outcome !== 'unauthorized') return
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
function reasonOf(method: string, { headers, body }: Answer): string {
  const isProblem = headers.some(([name, value]) => name === 'content-type' && value === 'application/problem+json')
  if (isProblem) return JSON.parse(Buffer.from(body).toString()).detail
  return `The ${method} is not the sender's handshake: compare the verify token with the one in the sender's console.`
}
