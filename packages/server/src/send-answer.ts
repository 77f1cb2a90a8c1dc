import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { type Answer, problem } from 'hookonce'

const BODYLESS = new Set([204, 304])

/** As text a small body leaves in one write with its head, which is cheaper than two buffers. */
const ONE_WRITE_BYTES = 8_192

/** Writes an answer as it is, header by header. `close`: the connection ends with it, as it does if a body is left unread. */
export function sendAnswer(response: ServerResponse, answer: Answer, close = false): void {
  const { status, headers, body, rest } = answer
  if (response.destroyed || response.headersSent) {
    void rest?.[Symbol.asyncIterator]().return?.()
    return
  }
  const flat: string[] = []
  for (const [name, value] of headers) flat.push(name, value)
  if (rest === undefined && !BODYLESS.has(status)) flat.push('content-length', String(body.length))
  // What is left of a body would be taken for the next request.
  if (close || isUnread(response.req)) flat.push('connection', 'close')
  try {
    response.writeHead(status, flat)
  } catch {
    // A header that HTTP does not allow, from a handler.
    void rest?.[Symbol.asyncIterator]().return?.()
    sendAnswer(response, problem('handler_failed'), true)
    return
  }
  if (rest !== undefined) pipeline(whole(body, rest), response).catch(() => response.destroy())
  else if (body.length <= ONE_WRITE_BYTES) response.end(latin1(body), 'latin1')
  else response.end(body)
}

function isUnread({ complete, headers }: IncomingMessage): boolean {
  return !complete && (headers['transfer-encoding'] !== undefined || Number(headers['content-length']) > 0)
}

/** One character a byte, whatever the bytes mean. */
function latin1({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1')
}

async function* whole(body: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield body
  yield* rest
}
