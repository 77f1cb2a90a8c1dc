import { subscribe } from 'node:diagnostics_channel'
import { ACTIVITY_CHANNEL, type Delivery, type Handler, type HookonceActivity } from 'hookonce'
import type { Logger } from 'pino'
import type { ResolvedConfig } from '../config/resolve.js'
import { type FormatKey, keyFormatter } from '../observability/log-keys.js'
import type { Traces } from '../observability/telemetry/traces.js'

type AttemptEnded = Extract<HookonceActivity, { type: 'attempt_ended' }>

/**
 * Logs attempts out of inboxes, whose acknowledgements alone do not say what became of the deliveries: for people each, else
 * a share of those whose result is recorded. A failed attempt has a line of its own, see `logEvents`.
 */
export class AttemptLog {
  readonly #log: Logger
  readonly #sources: ResolvedConfig['sources']
  readonly #isPretty: boolean
  readonly #share: number
  readonly #formatKey: FormatKey
  readonly #traces: Traces | undefined
  /** What is attempted, by source, key and number. */
  readonly #running = new Map<string, Delivery>()

  constructor(
    {
      sources,
      logKeys,
      logFormat,
      logDeliveries,
    }: Pick<ResolvedConfig, 'sources' | 'logKeys' | 'logFormat' | 'logDeliveries'>,
    log: Logger,
    traces: Traces | undefined,
  ) {
    this.#log = log
    this.#sources = sources
    this.#isPretty = logFormat === 'pretty'
    this.#share = this.#isPretty ? 1 : logDeliveries
    this.#formatKey = keyFormatter(log, logKeys)
    this.#traces = traces
  }

  /** The same handler; its deliveries are known when their attempts end. */
  noted(source: string, handler: Handler): Handler {
    if (this.#share === 0) return handler
    return (delivery, attempt) => {
      const { key, number, signal } = attempt
      if (!signal.aborted) this.#running.set(nameOf(source, key, number), delivery)
      return handler(delivery, attempt)
    }
  }

  subscribe(): void {
    if (this.#share === 0) return
    subscribe(ACTIVITY_CHANNEL, message => {
      const event = message as HookonceActivity
      if (event.type === 'attempt_ended' && this.#sources.get(event.scope)?.inbox !== undefined) this.#ended(event)
    })
  }

  #ended({ scope: source, key, attempt, durationMs, end }: AttemptEnded): void {
    const name = nameOf(source, key, attempt)
    const delivery = this.#running.get(name)
    this.#running.delete(name)
    if (!this.#isPretty && (end !== 'recorded' || Math.random() >= this.#share)) return
    const facts = {
      source,
      key: this.#formatKey(key),
      requestId: delivery?.requestId ?? undefined,
      traceId: delivery && this.#traces?.of(delivery)?.traceId,
      attempt,
      durationMs: Number(durationMs.toFixed(1)),
      outcome: end,
    }
    this.#log.info(facts, 'attempt')
  }
}

const nameOf = (source: string, key: string | null, number: number): string => `${source}\n${number}\n${key}`
