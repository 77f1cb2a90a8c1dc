import type { Answer } from 'hookonce'
import type { Logger } from 'pino'
import { serverProblem } from '../http/problems.js'
import type { TokenBucket } from '../http/token-bucket.js'
import type { Activity } from '../observability/activity/index.js'
import type { Cut } from '../observability/metrics/index.js'
import type { EventLoopLag } from './event-loop-lag.js'
import type { Gate } from './in-flight.js'
import { MIN_BYTES_PER_SECOND } from './read-body.js'

export interface LoadSheddingContext {
  gate: Gate
  maxInFlight: number
  eventLoop: EventLoopLag
  activity: Activity
  cut: (why: Cut) => void
  log: Logger
}

const RETRY_AFTER_MS = 5_000
const LOG_INTERVAL_MS = 10_000

const REASONS = {
  in_flight: 'too many deliveries are in flight',
  event_loop: 'the event loop lags',
  body_memory: 'bodies of deliveries take too much memory',
}

/**
 * Refuses deliveries above the limits before their key is claimed; those in flight go on. The limit in flight is larger
 * than the limit of waiting duplicates, so a herd of duplicates leaves capacity for other deliveries.
 */
export class LoadShedding {
  readonly #context: LoadSheddingContext
  #loggedAt = Number.NEGATIVE_INFINITY

  constructor(context: LoadSheddingContext) {
    this.#context = context
  }

  /** Before the body is read: the refusal, or `undefined`. */
  refusal(source: string, requestId: string): Answer | undefined {
    const { gate, maxInFlight, eventLoop } = this.#context
    if (gate.inProgress >= maxInFlight) return this.#shed(source, 'in_flight', requestId)
    if (eventLoop.isBehind) return this.#shed(source, 'event_loop', requestId)
    return undefined
  }

  /** After the body is read: the refusal. `undefined`: the delivery entered the gate, and has to leave it. */
  enter(source: string, rate: TokenBucket | undefined, requestId: string): Answer | undefined {
    const { gate, maxInFlight, activity } = this.#context
    if (gate.inProgress >= maxInFlight) return this.#shed(source, 'in_flight', requestId)
    const waitMs = rate?.take(performance.now()) ?? 0
    if (waitMs === 0) {
      gate.enter()
      return undefined
    }
    const detail = 'The rate limit of this source is exceeded.'
    const answer = serverProblem('rate_limited', { detail, headers: retryAfter(waitMs), outcome: 'unavailable' })
    return activity.answered(source, answer, 'rate')
  }

  /** The answer to a delivery whose body was not read to the end. */
  unread(source: string, why: 'no_room' | 'too_slow', requestId: string): Answer {
    if (why === 'no_room') return this.#shed(source, 'body_memory', requestId)
    const detail = `The body came at less than ${MIN_BYTES_PER_SECOND} bytes a second.`
    this.#context.cut('slow_body')
    return this.#context.activity.answered(source, serverProblem('request_timeout', { detail }))
  }

  #shed(source: string, reason: keyof typeof REASONS, requestId: string): Answer {
    const { activity, log } = this.#context
    const now = performance.now()
    if (now - this.#loggedAt >= LOG_INTERVAL_MS) {
      this.#loggedAt = now
      log.warn({ source, requestId, reason }, 'overloaded: deliveries are refused')
    }
    const detail = `Overloaded: ${REASONS[reason]}. Send it again later.`
    const answer = serverProblem('overloaded', { detail, headers: retryAfter(RETRY_AFTER_MS), outcome: 'unavailable' })
    return activity.answered(source, answer, reason)
  }
}

const retryAfter = (ms: number): [string, string][] => [['retry-after', String(Math.ceil(ms / 1000))]]
