import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { type Answer, problem } from 'hookonce'
import { REQUEST_ID_HEADER } from './request-id.js'
import { TRACE_HEADER } from './trace-header.js'
import { startWriteTimeout } from './write-timeout.js'

const BODYLESS = new Set([204, 304])

/** A body up to this size is written as a string: Node sends it with the head in one write. */
const ONE_WRITE_BYTES = 8_192

/** Node discards up to this much of an unread body after the answer, and the connection stays open. */
const MAX_DISCARDED_BYTES = 65_536

/** How long a connection with a larger unread body stays open after the answer. */
const LINGER_MS = 1_000

/** A record of before may have the id of another request. */
const isKeptBack = (name: string): boolean => name === REQUEST_ID_HEADER || name === TRACE_HEADER

/**
 * Writes an answer, its own headers and the request's id. `close`: closes the connection, as a large unread body does too.
 */
export function sendAnswer(response: ServerResponse, answer: Answer, requestId: string, close = false): void {
  const { status, headers, body, rest } = answer
  if (response.destroyed || response.headersSent) {
    void rest?.[Symbol.asyncIterator]().return?.()
    return
  }
  const flat: string[] = []
  for (const [name, value] of headers) if (!isKeptBack(name)) flat.push(name, value)
  flat.push(REQUEST_ID_HEADER, requestId)
  // The answer to HEAD has no body, which says nothing of the length that GET would have.
  const hasLength =
    rest === undefined && !BODYLESS.has(status) && !(response.req.method === 'HEAD' && body.length === 0)
  if (hasLength) flat.push('content-length', String(body.length))
  const unread = unreadBytes(response.req)
  const closes = close || unread > MAX_DISCARDED_BYTES
  if (closes) flat.push('connection', 'close')
  try {
    response.writeHead(status, flat)
  } catch {
    // A handler set a header that is not valid in HTTP.
    void rest?.[Symbol.asyncIterator]().return?.()
    sendAnswer(response, problem('handler_failed'), requestId, true)
    return
  }
  if (closes && unread > 0 && rest === undefined) endLater(response, body)
  else if (rest !== undefined) pipeline(whole(body, rest), response).catch(() => response.destroy())
  else if (body.length <= ONE_WRITE_BYTES) response.end(latin1(body), 'latin1')
  else response.end(body)
  if (rest !== undefined || response.socket?.writableLength) startWriteTimeout(response)
}

function unreadBytes({ complete, headers }: IncomingMessage): number {
  if (complete) return 0
  return headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : Number.POSITIVE_INFINITY
}

/** Closing a connection with unread bytes resets it, and the sender may never read the answer. */
function endLater(response: ServerResponse, body: Uint8Array): void {
  response.write(body)
  const timer = setTimeout(() => response.end(), LINGER_MS)
  response.once('close', () => clearTimeout(timer))
}

/** One character per byte: latin1 keeps every byte as it is. */
function latin1({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1')
}

async function* whole(body: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield body
  yield* rest
}
