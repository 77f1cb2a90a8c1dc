import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Answer } from '../../http/response.js'
import type { ResponseCapture } from './response-capture.js'

/** How long a sender whose body was refused may go on sending before it is cut off. */
const LINGER_MS = 1_000

/**
 * Sends what the answer says, not what `capture` caught, and leaves the response as it was found otherwise.
 *
 * @param brokeOff told why an answer ended in the middle
 */
export async function sendAnswer(
  res: ServerResponse,
  answer: Answer,
  capture?: ResponseCapture,
  brokeOff: (error: unknown) => void = () => {},
): Promise<void> {
  const { body, rest } = answer
  capture?.release(rest !== undefined)
  if (res.destroyed || capture?.gone) {
    if (rest === undefined) return
    await rest[Symbol.asyncIterator]().return?.()
    capture?.restore()
    return
  }
  if (rest === undefined) {
    // In one step, for an attempt that goes on may touch the response afterwards.
    const send = () => {
      writeHead(res, answer)
      res.end(body)
    }
    if (capture) capture.outside(send)
    else send()
    return
  }
  await sendRemainder(res, answer, rest, capture, brokeOff)
}

/** So much of a body that was not read Node takes off the wire after the answer, and the connection goes on. */
const MOST_DISCARDED_BYTES = 65_536

/**
 * Refuses a request whose body was not read to its end. If much of that may follow, the response is complete on the wire,
 * but its connection is closed a little later: closing it with bytes unread would reset it, and the sender might never
 * see the answer.
 */
export function refuseUnread({ complete, headers }: IncomingMessage, res: ServerResponse, answer: Answer): void {
  const isChunked = headers['transfer-encoding'] !== undefined
  if (complete || (!isChunked && Number(headers['content-length'] ?? 0) <= MOST_DISCARDED_BYTES)) {
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
  // Only if it is there: Node takes a removal for the wish to send no such header, chunked or not.
  if (res.hasHeader('transfer-encoding')) res.removeHeader('transfer-encoding')
  if (rest || status === 204 || status === 304 || (res.req.method === 'HEAD' && body.length === 0)) {
    res.removeHeader('content-length')
  } else {
    res.setHeader('content-length', body.length)
  }
  res.writeHead(status)
}

async function sendRemainder(
  res: ServerResponse,
  answer: Answer,
  rest: AsyncIterable<Uint8Array>,
  capture: ResponseCapture | undefined,
  brokeOff: (error: unknown) => void,
): Promise<void> {
  const write = (chunk: Uint8Array) => (capture ? capture.outside(() => res.write(chunk)) : res.write(chunk))
  try {
    if (capture) capture.outside(() => writeHead(res, answer))
    else writeHead(res, answer)
    if (!write(answer.body)) await drained(res)
    for await (const chunk of rest) {
      if (res.destroyed) break
      if (!write(chunk)) await drained(res)
    }
    capture?.restore()
    res.end()
  } catch (error) {
    // The status is long gone: only a cut connection says that something is missing.
    brokeOff(error)
    capture?.restore()
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
