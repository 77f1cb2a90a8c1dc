import type { Answer, Delivery, DeliveryOutcome } from 'hookonce'
import type { Logger } from 'pino'
import { keysShown, type LogKeys, type ShownKey } from '../observability/log-keys.js'

/** Strangers may ask as often as they like: of those that were refused since, one line in so long. */
const REFUSALS_EVERY_MS = 10_000

/** What was answered without a key, or with none that is valid. */
const KEY_NOT_READ = new Set<DeliveryOutcome>(['unauthorized', 'handshake', 'invalid'])

/** What the log says of one source's deliveries: failures and refusals, at debug every one; never a body or a signature. */
export class DeliveryLog {
  readonly #source: string
  readonly #keyOf: (delivery: Delivery) => string | null
  readonly #log: Logger
  readonly #shownKey: ShownKey
  /** Since the last line about refusals; `undefined`: that is long ago. */
  #refused: number | undefined

  /** @param keyOf what the source reads a key by */
  constructor(source: string, keyOf: (delivery: Delivery) => string | null, log: Logger, keys: LogKeys) {
    this.#source = source
    this.#keyOf = keyOf
    this.#log = log
    this.#shownKey = keysShown(log, keys)
  }

  answered(delivery: Delivery, answer: Answer, startedAt: number): void {
    const { status, outcome, attempt } = answer
    this.refused(delivery.method, answer)
    const isDebug = this.#log.isLevelEnabled('debug')
    if (!isDebug && status < 500 && outcome !== 'mismatch') return
    const facts = {
      source: this.#source,
      key: this.#shownKey(this.#keyUsed(delivery, outcome)),
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

  /** What is not shown to be the sender's is told once in a while, and counted in between. */
  refused(method: string, answer: Answer): void {
    if (answer.outcome !== 'unauthorized') return
    if (this.#refused === undefined) this.#tellRefused(1, reasonOf(method, answer))
    else this.#refused++
  }

  #tellRefused(count: number, reason?: string): void {
    this.#log.info({ source: this.#source, count, reason }, 'deliveries refused that are not shown to be the sender’s')
    this.#refused = 0
    setTimeout(() => {
      const since = this.#refused ?? 0
      this.#refused = undefined
      if (since > 0) this.#tellRefused(since)
    }, REFUSALS_EVERY_MS).unref()
  }

  #keyUsed(delivery: Delivery, outcome: DeliveryOutcome): string | null | undefined {
    if (KEY_NOT_READ.has(outcome)) return undefined
    try {
      return this.#keyOf(delivery)
    } catch {
      // Then the receiver has said so.
      return undefined
    }
  }
}

const since = (startedAt: number): number => Number((performance.now() - startedAt).toFixed(1))

/** Of a problem its detail; a handshake is answered in the sender's own words. */
function reasonOf(method: string, { headers, body }: Answer): string {
  const isProblem = headers.some(([name, value]) => name === 'content-type' && value === 'application/problem+json')
  if (isProblem) return JSON.parse(Buffer.from(body).toString()).detail
  return `The ${method} is not the sender's handshake: compare the verify token with the one in the sender's console.`
}
