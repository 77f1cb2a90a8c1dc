import { type Attempt, type AttemptWith, withCommit } from '../engine/attempt.js'
import { mapCommit, type Settlement } from '../engine/commit.js'
import type { Engine } from '../engine/engine.js'
import { ConfigurationError } from '../errors.js'
import type { Delivery, DeliveryHead } from '../http/delivery.js'
import { responseFailure } from '../http/failure.js'
import { problem } from '../http/problem.js'
import { type Answer, asSuccess, checkedResponse, discard, type HandlerResponse, replayable } from '../http/response.js'
import { encodeResponse } from '../http/response-codec.js'
import { MAX_KEY_BYTES } from '../stores/store.js'
import { shown } from '../util/options.js'
import { answerTo, noRoom } from './answer.js'
import { type Answered, answersOf } from './answer-metrics.js'
import { createChecks, type Names } from './checks.js'
import type { ResolvedOptions, SourceSettings } from './source-options.js'

/**
 * Runs at most once per delivery. The source decides whether its response is recorded. `Kind`: the transactions of the
 * receiver's store; with transactions, `attempt.commit` exists.
 */
export type Handler<Kind = never> = (
  delivery: Delivery,
  attempt: AttemptWith<Kind, HandlerResponse>,
) => HandlerResponse | Promise<HandlerResponse>

export interface SourceOptions extends SourceSettings {
  /** The endpoint's name, 1 to 255 visible ASCII characters. Sources with different names never share keys. */
  name: string
}

/** An endpoint with its own keys and options. */
export interface Source<Kind = never> {
  /** The largest body to read, in bytes. Adapters answer larger ones with `tooLarge()`. */
  readonly maxBodyBytes: number
  /** Bytes of a handler's response that an adapter buffers before it passes the remainder on as `rest`. */
  readonly maxResponseBytes: number
  /**
   * The answer to a delivery that is rejected by its head: too many header fields, or a wrong token. `undefined`: read
   * the body and call `receive`, which repeats the checks.
   */
  refusal(head: DeliveryHead): Answer | undefined
  /**
   * Processes a delivery. Never rejects: every failure is an answer.
   *
   * @param trusted the sender's signature is not checked: it was at an earlier time, or an operator vouches for the delivery
   */
  receive(delivery: Delivery, handler: Handler<Kind>, trusted?: boolean): Promise<Answer>
  /** 413: the adapter stopped reading the body. */
  tooLarge(): Answer
  /**
   * 500, and an event. Without an attempt, `receiver_failed`: the adapter cannot read the delivery or send the answer.
   * With an attempt, `handler_threw`.
   */
  failed(error: unknown, attempt?: Attempt, requestId?: string | null): Answer
}

/** @throws {ConfigurationError} */
export function checkSourceName(name: string): void {
  if (/^[\x21-\x7e]+$/.test(name) && name.length <= MAX_KEY_BYTES) return
  throw new ConfigurationError(
    `a source's name must be 1 to ${MAX_KEY_BYTES} visible ASCII characters, not ${shown(name)}`,
  )
}

/** The result of a commit without a key. */
const NOTHING = new Uint8Array()

/** A source that answers with the result. */
export function sourceOf<Kind>(engine: Engine, settings: ResolvedOptions, scope: string): Source<Kind> {
  const { clock, report } = engine.context
  const { sender, recordable, maxBodyBytes, maxResponseBytes, limits, timing } = settings
  const checks = createChecks(settings, clock)
  const answers = answersOf(clock, scope)
  const quota = engine.quota(scope, limits)
  const deadlineMs = sender?.facts.deadlineMs ?? Number.POSITIVE_INFINITY

  async function receive(delivery: Delivery, handler: Handler<Kind>, trusted?: boolean): Promise<Answer> {
    const { requestId } = delivery
    const about: Answered = { since: answers.arrivedAt(), requestId }
    try {
      const checked = checks.check(delivery, trusted)
      if ('refusal' in checked) return answers.publish(checked.refusal, about)
      about.key = checked.key
      const full = quota.isFull && checked.key !== null ? await quota.refusal(checked.key) : undefined
      return answers.publish(full ? noRoom(full) : await process(delivery, checked, handler), about)
    } catch (error) {
      return answers.publish(failed(error, undefined, requestId), about)
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
      // After a commit the handler returns the same response again.
      if (answered && response.rest !== made?.rest) discard(response)
      made = response
      if (!recordable(response)) {
        return { value: response, failure: responseFailure(response, delivery, maxResponseBytes) }
      }
      if (key === null) return { value: response, result: NOTHING }
      const result = encodeResponse(replayable(response, maxResponseBytes))
      quota.grew(result.byteLength)
      return { value: response, result }
    }
    const outcome = await engine.process<HandlerResponse>(
      { scope, key, label, fingerprint, timing, requestId },
      async (attempt, commit) => {
        number = attempt.number
        if (key !== null && number === 1) quota.added()
        const begunAt = clock.monotonic()
        const answer = await handler(delivery, withCommit(attempt, commit && mapCommit(commit, settle)))
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
    const refused = checks.refusal(head)
    return refused && answers.publish(refused, { since: answers.arrivedAt() })
  }

  const tooLarge = () => answers.publish(checks.tooLarge(), { since: answers.arrivedAt() })
  return { maxBodyBytes, maxResponseBytes, refusal, tooLarge, failed, receive }
}
