import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Answer } from '../../http/response.js'
import type { ResponseCapture } from './response-capture.js'

/** How long a sender may go on sending a body that was refused. */
const LINGER_MS = 1_000

/**
 * Sends an answer, which may be another one than `capture` holds, and restores the response.
 *
 * @param failed called with the error that cut the answer off
 */
export async function sendAnswer(
  res: ServerResponse,
  answer: Answer,
  capture?: ResponseCapture,
  failed: (error: unknown) => void = () => {},
): Promise<void> {
  const { body, rest } = answer
  capture?.release(rest !== undefined)
  const isGone = res.destroyed || capture?.gone
  if (capture !== undefined && rest !== undefined) {
    if (!isGone) return sendOverflow(res, answer, rest, capture, failed)
    await rest[Symbol.asyncIterator]().return?.()
    capture.restore()
    return
  }
  if (isGone) return
  // In one step: an attempt that goes on may touch the response afterwards.
  const send = () => {
    writeHead(res, answer)
    res.end(body)
  }
  if (capture) capture.outside(send)
  else send()
}

/** Node reads and drops up to this much of an unread body after the answer, and keeps the connection. */
const MAX_DISCARDED_BYTES = 65_536

/**
 * Answers a request whose body was not read to its end. If much of the body may follow, the connection is closed after
 * `LINGER_MS`: closing it at once, with bytes unread, resets it, and the sender may never see the answer.
 */
export function refuseUnread({ complete, headers }: IncomingMessage, res: ServerResponse, answer: Answer): void {
  const isChunked = headers['transfer-encoding'] !== undefined
  if (complete || (!isChunked && Number(headers['content-length'] ?? 0) <= MAX_DISCARDED_BYTES)) {
    writeHead(res, answer)
    res.end(answer.body)
    return
  }
  res.shouldKeepAlive = false
  writeHead(res, answer)
  res.write(answer.body)
  const timer = setTimeout(() => res.end(), LINGER_MS)
  res.once('close', () => clearTimeout(timer))
}

function writeHead(res: ServerResponse, { status, headers, body, rest }: Answer): void {
  const fields = new Map<string, string[]>()
  for (const [name, value] of headers) {
    const values = fields.get(name)
    if (values) values.push(value)
    else fields.set(name, [value])
  }
  for (const [name, values] of fields) res.setHeader(name, values.length === 1 ? values[0]! : values)
  // Only if it is set: after a removal Node sends no such header, chunked or not.
  if (res.hasHeader('transfer-encoding')) res.removeHeader('transfer-encoding')
  if (rest || status === 204 || status === 304 || (res.req.method === 'HEAD' && body.length === 0)) {
    res.removeHeader('content-length')
  } else {
    res.setHeader('content-length', body.length)
  }
  res.writeHead(status)
}

async function sendOverflow(
  res: ServerResponse,
  answer: Answer,
  rest: AsyncIterable<Uint8Array>,
  capture: ResponseCapture,
  failed: (error: unknown) => void,
): Promise<void> {
  const write = (chunk: Uint8Array) => capture.outside(() => res.write(chunk))
  try {
    capture.outside(() => writeHead(res, answer))
    if (!write(answer.body)) await drained(res)
    for await (const chunk of rest) {
      if (res.destroyed) break
      if (!write(chunk)) await drained(res)
    }
    capture.restore()
    res.end()
  } catch (error) {
    // The status is sent: only a cut connection shows that the body is incomplete.
    failed(error)
    capture.restore()
    res.destroy()
  }
}

function drained(res: ServerResponse): Promise<void> {
  return new Promise(resolve => {
    const settle = () => {
      res.off('drain', settle).off('close', settle)
      resolve()
    }
    if (res.destroyed) resolve()
    else res.on('drain', settle).on('close', settle)
  })
}
