import type { IncomingMessage } from 'node:http'
import { type Attempt, type Delivery, endToEnd, type Handler, type HandlerResponse, problem } from 'hookonce'
import { exchange, type ForwardAgent } from '../../http/exchange.js'
import { type ForwardFailure, failureOf, statusFailure } from '../../http/exchange-failures.js'
import { REQUEST_ID_HEADER } from '../../http/request-id.js'
import type { Traces } from '../../observability/telemetry/traces.js'
import { markOf } from './loop.js'
import { parseTarget, pathFor, type Target } from './target.js'
import { TimeLimit } from './time-limit.js'

export interface ForwardTarget {
  source: string
  url: string
  timeoutMs: number
  maxResponseBytes: number
  agent: ForwardAgent
  traces: Traces | undefined
  /** Called for each attempt that fails. */
  failed(kind: ForwardFailure): void
}

/** These responses have no content, whatever follows on the connection (RFC 9110 §6.4.1). */
const NO_CONTENT = new Set([204, 304])

const NO_BODY = Buffer.alloc(0)

/** Failures before a connection existed: every other delivery would meet them too. */
const UNREACHABLE = new Set<ForwardFailure>(['connect', 'dns', 'tls'])

/** Forwards deliveries to the application, byte for byte, and returns its response the same way. */
export function forwardTo(given: ForwardTarget): Handler {
  const target = parseTarget(given.url)
  return async (delivery, attempt) => {
    const limit = new TimeLimit(given.timeoutMs, attempt.signal)
    const response = await sendTo(given, target, delivery, limit, attempt)
    if (response.status >= 200 && response.status <= 299) return response
    if (response.reason === undefined) given.failed(statusFailure(response.status))
    return withoutCredentials(response, target)
  }
}

/** Forwards a handshake: there is no attempt, and nothing is recorded. */
export function forwardHandshakeTo(given: ForwardTarget): (delivery: Delivery) => Promise<HandlerResponse> {
  const target = parseTarget(given.url)
  return delivery => sendTo(given, target, delivery, new TimeLimit(given.timeoutMs))
}

async function sendTo(
  { source, timeoutMs, maxResponseBytes, agent, traces, failed }: ForwardTarget,
  target: Target,
  given: Delivery,
  limit: TimeLimit,
  attempt?: Attempt,
): Promise<HandlerResponse> {
  const span = traces?.forward(target.peer, given)
  const delivery = span?.delivery ?? given
  const { method, body } = delivery
  try {
    const options = { ...target.options, method, path: pathFor(target, delivery.url) }
    const headers = forwardedHeaders(delivery, target, source, attempt)
    const message = await exchange(agent, { options, headers, body, signal: limit.signal, resent: span?.resent })
    const response = await responseOf(message, method, maxResponseBytes, limit)
    span?.answered(response.status)
    return response
  } catch (error) {
    limit.clear()
    // A lost attempt has its answer; otherwise the process shuts down.
    if (attempt?.signal.aborted) {
      span?.failed('aborted')
      return { ...problem('shutting_down', { retryAfterMs: 1000 }), reason: 'aborted: this process is shutting down' }
    }
    if (limit.reached) {
      span?.failed('timeout')
      failed('timeout')
      return { ...problem('upstream_timeout'), reason: `timeout after ${timeoutMs} ms` }
    }
    const { kind, reason } = failureOf(error as Error)
    span?.failed(kind)
    failed(kind)
    return { ...problem('upstream_unreachable'), reason, unreachable: UNREACHABLE.has(kind) }
  }
}

async function responseOf(
  message: IncomingMessage,
  method: string,
  maxBytes: number,
  limit: TimeLimit,
): Promise<HandlerResponse> {
  const status = message.statusCode!
  const headers = endToEnd(pairs(message.rawHeaders), isNotKept)
  if (method === 'HEAD' || NO_CONTENT.has(status)) {
    limit.clear()
    // The next request would read this content as the beginning of its response.
    if (status === 204 && announcesContent(message)) message.destroy()
    else message.resume()
    return { status, headers, body: NO_BODY }
  }
  const chunks = message[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
  const { body, complete } = await gather(chunks, maxBytes)
  limit.leaveAttempt()
  if (!complete) return { status, headers, body, rest: remainder(chunks, limit) }
  limit.clear()
  return { status, headers, body }
}

const announcesContent = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0

async function gather(chunks: AsyncIterator<Uint8Array>, enough: number) {
  const parts: Uint8Array[] = []
  let length = 0
  while (length <= enough) {
    const next = await chunks.next()
    if (next.done) return { body: Buffer.concat(parts, length), complete: true }
    parts.push(next.value)
    length += next.value.length
  }
  return { body: Buffer.concat(parts, length), complete: false }
}

/** The length is computed; each answer has the id of its own request, which applications send back. */
const isNotKept = (name: string): boolean => name === 'content-length' || name === REQUEST_ID_HEADER

/** Not a generator: `return()` before the first `next()` would not reach its `finally`. */
function remainder(chunks: AsyncIterator<Uint8Array>, limit: TimeLimit): AsyncIterableIterator<Uint8Array> {
  return {
    async next() {
      try {
        const next = await chunks.next()
        if (next.done) limit.clear()
        return next
      } catch (error) {
        limit.clear()
        throw error
      }
    },
    async return() {
      limit.clear()
      await chunks.return?.()
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

/** `content-length` is computed, `expect` was answered here, `host` names the target. */
const ANSWERED_HERE = new Set(['content-length', 'expect', 'host'])

/** Set here. Other spellings that an application may read as one of these (`Idempotency_Key`) are removed. */
const SET_HERE = new Set(['idempotency-key', 'x-request-id'])

function forwardedHeaders(
  { headers, body, method, requestId }: Delivery,
  { host, authorization }: Target,
  source: string,
  attempt: Attempt | undefined,
): string[] {
  let isNamed = false
  const kept = endToEnd(headers, (folded, name) => {
    if (ANSWERED_HERE.has(folded)) return true
    if (folded === 'authorization') return authorization !== undefined
    if (folded === 'x-request-id' && name === folded) isNamed = true
    if (folded === 'idempotency-key' && attempt !== undefined && attempt.key !== null) return true
    return SET_HERE.has(folded) && name !== folded
  })
  const flat = ['Host', host]
  for (const [name, value] of kept) flat.push(name, value)
  if (authorization !== undefined) flat.push('Authorization', authorization)
  if (method === 'POST') flat.push('Content-Length', String(body.length))
  flat.push('Via', `1.1 ${markOf(source)}`)
  if (!isNamed && requestId !== null) flat.push('X-Request-Id', requestId)
  if (attempt === undefined) return flat
  flat.push('X-Hookonce-Attempt', String(attempt.number))
  if (attempt.key !== null) {
    flat.push('Idempotency-Key', attempt.key, 'X-Hookonce-Fencing-Token', attempt.fencingToken)
  }
  return flat
}

/** Keeps the receiver's own credentials out of the recorded failure when the application's response quotes them. */
function withoutCredentials(response: HandlerResponse, { authorization, password }: Target): HandlerResponse {
  if (authorization === undefined || response.reason !== undefined) return response
  const { status } = response
  const body = Buffer.from(response.body)
  const quotes = [authorization.slice('Basic '.length), password].some(secret => secret !== '' && body.includes(secret))
  return quotes ? { ...response, reason: `status ${status} (body not shown: it quotes credentials)` } : response
}

function pairs(raw: readonly string[]): [name: string, value: string][] {
  const list: [string, string][] = []
  for (let i = 0; i < raw.length; i += 2) list.push([raw[i]!, raw[i + 1]!])
  return list
}
