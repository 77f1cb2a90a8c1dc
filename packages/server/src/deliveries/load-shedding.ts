import type { Answer } from 'hookonce'
import type { Logger } from 'pino'
import { serverProblem } from '../http/problems.js'
import type { Activity } from '../observability/activity/index.js'
import type { Cut } from '../observability/metrics/index.js'
import type { EventLoopWatch } from './event-loop-lag.js'
import type { Gate } from './in-flight.js'
import type { TokenBucket } from './rate-limit.js'
import { LEAST_BYTES_PER_SECOND } from './read-body.js'

export interface AdmissionContext {
  gate: Gate
  maxInFlight: number
  eventLoop: EventLoopWatch
  activity: Activity
  cut: (why: Cut) => void
  log: Logger
}

const RETRY_AFTER_MS = 5_000
const LOG_EVERY_MS = 10_000

const REASONS = {
  in_flight: 'too many deliveries are in flight',
  event_loop: 'this process is too far behind',
  body_memory: 'the bodies of deliveries take too much memory',
}

/**
 * Refuses deliveries that there is no room for, before their key is claimed. Whoever is in stays in. More may be in flight
 * than may wait for attempts of others: a herd of duplicates never takes all of the room.
 */
export class Admission {
  readonly #context: AdmissionContext
  #loggedAt = Number.NEGATIVE_INFINITY

  constructor(context: AdmissionContext) {
    this.#context = context
  }

  /** The answer to a delivery whose body need not be read; `undefined`: there is room as yet. */
  refusal(source: string, requestId: string): Answer | undefined {
    const { gate, maxInFlight, eventLoop } = this.#context
    if (gate.inProgress >= maxInFlight) return this.#shed(source, 'in_flight', requestId)
    if (eventLoop.isBehind) return this.#shed(source, 'event_loop', requestId)
    return undefined
  }

  /** The answer to a delivery whose body is there; `undefined`: it is let in, and leaves by the gate. */
  enter(source: string, rate: TokenBucket | undefined, requestId: string): Answer | undefined {
    const { gate, maxInFlight, activity } = this.#context
    if (gate.inProgress >= maxInFlight) return this.#shed(source, 'in_flight', requestId)
    const waitMs = rate?.take(performance.now()) ?? 0
    if (waitMs === 0) {
      gate.enter()
      return undefined
    }
    const detail = 'This source takes only so many deliveries a second.'
    const answer = serverProblem('rate_limited', { detail, headers: retryAfter(waitMs), outcome: 'unavailable' })
    return activity.refused(source, answer, 'rate')
  }

  /** The answer to a delivery whose body was not read to its end. */
  unread(source: string, why: 'no_room' | 'too_slow', requestId: string): Answer {
    if (why === 'no_room') return this.#shed(source, 'body_memory', requestId)
    const detail = `The body came with less than ${LEAST_BYTES_PER_SECOND} bytes a second.`
    this.#context.cut('slow_body')
    return this.#context.activity.refused(source, serverProblem('request_timeout', { detail }))
  }

  #shed(source: string, reason: keyof typeof REASONS, requestId: string): Answer {
    const { activity, log } = this.#context
    const now = performance.now()
    if (now - this.#loggedAt >= LOG_EVERY_MS) {
      this.#loggedAt = now
      log.warn({ source, requestId, reason }, 'overloaded: deliveries are refused')
    }
    const detail = `Not now: ${REASONS[reason]}. Send it again later.`
    const answer = serverProblem('overloaded', { detail, headers: retryAfter(RETRY_AFTER_MS), outcome: 'unavailable' })
    return activity.refused(source, answer, reason)
  }
}

const retryAfter = (ms: number): [string, string][] => [['retry-after', String(Math.ceil(ms / 1000))]]
