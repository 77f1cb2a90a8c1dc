import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { type Answer, problem } from 'hookonce'
import { limitStall } from './write-timeout.js'

const BODYLESS = new Set([204, 304])

/** As text a small body leaves in one write with its head, which is cheaper than two buffers. */
const ONE_WRITE_BYTES = 8_192

/** So much of a body that was not read Node takes off the wire after the answer, and the connection goes on. */
const MOST_DISCARDED_BYTES = 65_536

/** How long a connection stays open on which more than that is still coming. */
const LINGER_MS = 1_000

/** Writes an answer as it is, header by header. `close`: the connection ends with it, as it does if too much is unread. */
export function sendAnswer(response: ServerResponse, answer: Answer, close = false): void {
  const { status, headers, body, rest } = answer
  if (response.destroyed || response.headersSent) {
    void rest?.[Symbol.asyncIterator]().return?.()
    return
  }
  const flat: string[] = []
  for (const [name, value] of headers) flat.push(name, value)
  // Of an answer to HEAD without a body the length is not known.
  const hasLength =
    rest === undefined && !BODYLESS.has(status) && !(response.req.method === 'HEAD' && body.length === 0)
  if (hasLength) flat.push('content-length', String(body.length))
  const unread = unreadBytes(response.req)
  const closes = close || unread > MOST_DISCARDED_BYTES
  if (closes) flat.push('connection', 'close')
  try {
    response.writeHead(status, flat)
  } catch {
    // A header that HTTP does not allow, from a handler.
    void rest?.[Symbol.asyncIterator]().return?.()
    sendAnswer(response, problem('handler_failed'), true)
    return
  }
  if (closes && unread > 0 && rest === undefined) endLater(response, body)
  else if (rest !== undefined) pipeline(whole(body, rest), response).catch(() => response.destroy())
  else if (body.length <= ONE_WRITE_BYTES) response.end(latin1(body), 'latin1')
  else response.end(body)
  if (rest !== undefined || response.socket?.writableLength) limitStall(response)
}

function unreadBytes({ complete, headers }: IncomingMessage): number {
  if (complete) return 0
  return headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : Number.POSITIVE_INFINITY
}

/** A connection that is closed with bytes unread is reset, and the sender might never see the answer. */
function endLater(response: ServerResponse, body: Uint8Array): void {
  response.write(body)
  const timer = setTimeout(() => response.end(), LINGER_MS)
  response.once('close', () => clearTimeout(timer))
}

/** One character a byte, whatever the bytes mean. */
function latin1({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1')
}

async function* whole(body: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield body
  yield* rest
}
