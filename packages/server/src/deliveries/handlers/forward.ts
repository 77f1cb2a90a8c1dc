import type { IncomingMessage } from 'node:http'
import { type Attempt, type Delivery, endToEnd, type Handler, type HandlerResponse, problem } from 'hookonce'
import { exchange, type ForwardAgent } from '../../http/exchange.js'
import { type ForwardFailure, failureOf, statusFailure } from '../../http/exchange-failures.js'
import { markOf } from './loop.js'
import { parseTarget, pathFor, type Target } from './target.js'
import { TimeLimit } from './time-limit.js'

export interface ForwardTarget {
  source: string
  url: string
  timeoutMs: number
  maxResponseBytes: number
  agent: ForwardAgent
  /** Told of each attempt that came to no success. */
  failed(kind: ForwardFailure): void
}

/** What is answered has no content, whatever follows it on the connection (RFC 9110 §6.4.1). */
const NO_CONTENT = new Set([204, 304])

const NO_BODY = Buffer.alloc(0)

/** Failures that would meet any delivery: there was no connection to send it on. */
const UNREACHABLE = new Set<ForwardFailure>(['connect', 'dns', 'tls'])

/** Hands deliveries to the application behind this receiver, byte for byte, and gives its answer back the same way. */
export function forwardTo(given: ForwardTarget): Handler {
  const target = parseTarget(given.url)
  return async (delivery, attempt) => {
    const limit = new TimeLimit(given.timeoutMs, attempt.signal)
    const response = await ask(given, target, delivery, limit, attempt)
    if (response.status >= 200 && response.status <= 299) return response
    if (response.reason === undefined) given.failed(statusFailure(response.status))
    return withoutCredentials(response, target)
  }
}

/** Hands on a question that is no delivery: it has no attempt, and nothing is recorded of it. */
export function forwardQuestionTo(given: ForwardTarget): (delivery: Delivery) => Promise<HandlerResponse> {
  const target = parseTarget(given.url)
  return delivery => ask(given, target, delivery, new TimeLimit(given.timeoutMs))
}

async function ask(
  { source, timeoutMs, maxResponseBytes, agent, failed }: ForwardTarget,
  target: Target,
  delivery: Delivery,
  limit: TimeLimit,
  attempt?: Attempt,
): Promise<HandlerResponse> {
  const { method, body } = delivery
  try {
    const options = { ...target.options, method, path: pathFor(target, delivery.url) }
    const headers = forwardedHeaders(delivery, target, source, attempt)
    const message = await exchange(agent, { options, headers, body, signal: limit.signal })
    return await responseOf(message, method, maxResponseBytes, limit)
  } catch (error) {
    limit.clear()
    // A lost attempt is answered already; what else aborts is the end of this process.
    if (attempt?.signal.aborted) {
      return { ...problem('shutting_down', { retryAfterMs: 1000 }), reason: 'aborted: this process is shutting down' }
    }
    if (limit.reached) {
      failed('timeout')
      return { ...problem('upstream_timeout'), reason: `timeout after ${timeoutMs} ms` }
    }
    const { kind, reason } = failureOf(error as Error)
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
  const headers = endToEnd(pairs(message.rawHeaders), name => name === 'content-length')
  if (method === 'HEAD' || NO_CONTENT.has(status)) {
    limit.clear()
    // What it sends all the same would be taken for the beginning of the next answer.
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

/** `content-length` is counted anew, `expect` is answered here, `host` names the target. */
const ANSWERED_HERE = new Set(['content-length', 'expect', 'host'])

/** What this forwarder sets: of a name that an application may take for one of these there is none besides. */
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

/** An answer that quotes what the application was shown of this receiver's own is not quoted in turn. */
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
