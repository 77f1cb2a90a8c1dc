import { isUint8Array } from 'node:util/types'
import type { DeliveryOutcome } from '../diagnostics.js'
import type { HeaderList } from './delivery.js'
import { endToEnd, isReplayMark } from './header-names.js'

/** What a handler answers. */
export interface HandlerResponse {
  /** 200 to 599. */
  status: number
  headers: HeaderList
  /** The whole body; with `rest` its beginning, at least `maxResponseBytes` long. */
  body: Uint8Array
  /** What follows `body` when the response is too large to record: sent to the first sender only. */
  rest?: AsyncIterable<Uint8Array>
  /**
   * Why the attempt failed, for the record's last error and for events; never sent, and without meaning in a response
   * that is recorded. Default: the status and the first 200 bytes of the body.
   */
  reason?: string
  /**
   * The handler could not connect to what it calls: its inbox's breaker counts that, and no answer of the target itself.
   * Never sent, and without meaning in a response that is recorded.
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

/** What is to be sent back, complete: adapters add nothing and leave nothing out. */
export interface Answer {
  status: number
  headers: HeaderList
  body: Uint8Array
  rest?: AsyncIterable<Uint8Array>
  outcome: DeliveryOutcome
  /** Of a failure: the number of the attempt that this delivery ran. */
  attempt?: number
  /** Of a replay: when what is replayed was recorded, or the delivery accepted; ms since the epoch, by the store's clock. */
  recordedAt?: number
}

/** What is recorded of a response. */
export interface RecordedResponse {
  status: number
  headers: HeaderList
  body: Uint8Array
  /** The body was larger than `maxResponseBytes` and is not here. */
  bodyOmitted: boolean
}

/** Belongs to one moment or one client. */
const NOT_REPLAYED = new Set(['date', 'set-cookie'])

/** Names in lower case, without what must not be passed on to any sender. @throws {TypeError} not a response */
export function checkedResponse(response: HandlerResponse): HandlerResponse {
  const { status } = response
  if (!(Number.isInteger(status) && status >= 200 && status <= 599)) {
    throw new TypeError(`a handler must answer with a status from 200 to 599, not ${status}`)
  }
  if (!isUint8Array(response.body)) throw new TypeError('a handler must answer with a body of bytes')
  return withHeaders(response, endToEnd(response.headers, isNotPassedOn))
}

/** The length is counted anew whenever a response is sent. */
const isNotPassedOn = (folded: string): boolean => folded === 'content-length' || isReplayMark(folded)

function withHeaders(given: HandlerResponse, headers: HeaderList): HandlerResponse {
  const { status, body, rest, reason, unreachable } = given
  const response: HandlerResponse = rest === undefined ? { status, headers, body } : { status, headers, body, rest }
  if (reason !== undefined) response.reason = reason
  if (unreachable) response.unreachable = true
  return response
}

/** A success in the words of who is answered: senders that take one status for success take every other for a failure. */
export function asSuccess(response: HandlerResponse, statuses: readonly number[] | undefined): HandlerResponse {
  const { status, headers, body } = response
  if (statuses === undefined || status < 200 || status > 299 || statuses.includes(status)) return response
  return statuses[0] === 204
    ? { status: 204, headers, body: body.subarray(0, 0) }
    : { ...response, status: statuses[0]! }
}

/** What a duplicate may get of a response. */
export function replayable({ status, headers, body, rest }: HandlerResponse, maxBytes: number): RecordedResponse {
  const bodyOmitted = rest !== undefined || body.length > maxBytes
  return {
    status,
    headers: headers.filter(([name]) => !NOT_REPLAYED.has(name)),
    body: bodyOmitted ? new Uint8Array() : body,
    bodyOmitted,
  }
}

/** Nobody will read what follows of this response: its source is told to stop. */
export function discard({ rest }: HandlerResponse): void {
  rest?.[Symbol.asyncIterator]()
    .return?.()
    ?.catch(() => {})
}
