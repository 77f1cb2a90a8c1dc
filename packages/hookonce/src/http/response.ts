import { isUint8Array } from 'node:util/types'
import type { DeliveryOutcome } from '../diagnostics.js'
import type { HeaderList } from './delivery.js'
import { endToEnd, isReplayMark } from './header-names.js'

/** A handler's answer. */
export interface HandlerResponse {
  /** 200 to 599. */
  status: number
  headers: HeaderList
  /** The whole body, or with `rest` its beginning, at least `maxResponseBytes` long. */
  body: Uint8Array
  /** The part after `body` of a response that is too large to record. Only the first sender gets it. */
  rest?: AsyncIterable<Uint8Array>
  /**
   * Why the attempt failed, for the record's last error and for events. Never sent. Ignored if the response is
   * recorded. Default: the status and the first 200 bytes of the body.
   */
  reason?: string
  /**
   * The handler could not connect to its target: the inbox's circuit breaker counts this, and no answer of the target.
   * Never sent. Ignored if the response is recorded.
   */
  unreachable?: boolean
}

/**
 * A response of plain values with a JSON body, for handlers of any adapter and for commits that may not wait.
 *
 * @example
 * return attempt.commit(tx => {
 *   tx.prepare('insert into payments (id) values (?)').run(event.id)
 *   return jsonResponse({ ok: true })
 * })
 */
export function jsonResponse(value: unknown, status = 200): HandlerResponse {
  const body = Buffer.from(JSON.stringify(value) ?? '')
  return { status, headers: [['content-type', 'application/json']], body }
}

/** The complete answer to a delivery: adapters add and remove nothing. */
export interface Answer {
  status: number
  headers: HeaderList
  body: Uint8Array
  rest?: AsyncIterable<Uint8Array>
  outcome: DeliveryOutcome
  /** The number of the attempt that this delivery ran, if the answer is an error. */
  attempt?: number
  /** When a replayed response was recorded, or the delivery accepted, in ms since the epoch by the store's clock. */
  recordedAt?: number
}

/** The recorded part of a response. */
export interface RecordedResponse {
  status: number
  headers: HeaderList
  body: Uint8Array
  /** The body was larger than `maxResponseBytes` and is not here. */
  bodyOmitted: boolean
}

/** Headers of one moment or one client. */
const NOT_REPLAYED = new Set(['date', 'set-cookie'])

/** Removes the headers that no sender may get. @throws {TypeError} `response` is not a response */
export function checkedResponse(response: HandlerResponse): HandlerResponse {
  const { status } = response
  if (!(Number.isInteger(status) && status >= 200 && status <= 599)) {
    throw new TypeError(`a handler must answer with a status from 200 to 599, not ${status}`)
  }
  if (!isUint8Array(response.body)) throw new TypeError('a handler must answer with a body of bytes')
  return withHeaders(response, endToEnd(response.headers, isNotPassedOn))
}

/** Adapters set `content-length` when they send. */
const isNotPassedOn = (folded: string): boolean => folded === 'content-length' || isReplayMark(folded)

function withHeaders(given: HandlerResponse, headers: HeaderList): HandlerResponse {
  const { status, body, rest, reason, unreachable } = given
  const response: HandlerResponse = rest === undefined ? { status, headers, body } : { status, headers, body, rest }
  if (reason !== undefined) response.reason = reason
  if (unreachable) response.unreachable = true
  return response
}

/** A success with a status that the sender counts as one. */
export function asSuccess(response: HandlerResponse, statuses: readonly number[] | undefined): HandlerResponse {
  const { status, headers, body } = response
  if (statuses === undefined || status < 200 || status > 299 || statuses.includes(status)) return response
  return statuses[0] === 204
    ? { status: 204, headers, body: body.subarray(0, 0) }
    : { ...response, status: statuses[0]! }
}

/** The part of a response that a duplicate gets. */
export function replayable({ status, headers, body, rest }: HandlerResponse, maxBytes: number): RecordedResponse {
  const bodyOmitted = rest !== undefined || body.length > maxBytes
  return {
    status,
    headers: headers.filter(([name]) => !NOT_REPLAYED.has(name)),
    body: bodyOmitted ? new Uint8Array() : body,
    bodyOmitted,
  }
}

/** Stops the stream of a response whose `rest` is not sent. */
export function discard({ rest }: HandlerResponse): void {
  rest?.[Symbol.asyncIterator]()
    .return?.()
    ?.catch(() => {})
}
