import type { IncomingMessage } from 'node:http'
import { parse } from 'node:querystring'
import type { Readable } from 'node:stream'
import { isUint8Array } from 'node:util/types'

/** What `handleNode` adds to a request. */
export interface ReceivedBody {
  /** The body as it arrived. */
  rawBody: Buffer
  /** JSON and form bodies parsed, others as in `rawBody`. */
  // biome-ignore lint/suspicious/noExplicitAny: what a sender sends has no type until the handler checks it
  body: any
}

/** `too_large`: the body is larger than the limit, and reading stopped. `aborted`: the sender disconnected. */
export type BodyOutcome = Buffer | 'too_large' | 'aborted'

/**
 * The bytes of a body that earlier middleware has read, or `undefined` if the body is unread.
 *
 * @param where the adapter's function, for the error's message
 * @throws {TypeError} the body was read and its bytes were not kept
 */
export function readBefore(req: IncomingMessage, where: string, payload: Readable = req): Buffer | undefined {
  const { rawBody } = req as { rawBody?: unknown }
  if (isUint8Array(rawBody)) return bytesOf(rawBody)
  if (!payload.readableDidRead && payload.readableEncoding === null) {
    return payload.readableEnded ? Buffer.alloc(0) : undefined
  }
  const { body } = req as { body?: unknown }
  if (isUint8Array(body)) return bytesOf(body)
  throw new TypeError(
    `The body was read before ${where}, and its bytes were not kept: mount it before body parsers, ` +
      'or leave the bytes as a Buffer in req.rawBody',
  )
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer => Buffer.from(buffer, byteOffset, byteLength)

/** @param payload the stream to read, if a hook has wrapped the request's (decompression) */
export function readBody(req: IncomingMessage, limit: number, payload: Readable = req): Promise<BodyOutcome> {
  if (Number(req.headers['content-length']) > limit) return Promise.resolve('too_large')
  return new Promise(resolve => {
    const chunks: Buffer[] = []
    let size = 0
    const settle = (outcome: BodyOutcome) => {
      payload.off('data', gather).off('end', ended).off('close', aborted).off('error', aborted)
      resolve(outcome)
    }
    const gather = (chunk: Buffer) => {
      size += chunk.length
      chunks.push(chunk)
      if (size <= limit) return
      payload.pause()
      settle('too_large')
    }
    const ended = () => settle(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size))
    const aborted = () => settle('aborted')
    if (payload.destroyed) aborted()
    else payload.on('data', gather).on('end', ended).on('close', aborted).on('error', aborted)
  })
}

export const parsedForm = (raw: Buffer): Record<string, unknown> => ({ ...parse(raw.toString('utf8')) })

/**
 * JSON and forms parsed, other bodies as bytes.
 *
 * @throws {SyntaxError | TypeError} the content type is JSON and the body is not
 */
export function parsedBody({ headers }: IncomingMessage, raw: Buffer): unknown {
  const type = (headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase()
  if (headers['content-encoding'] !== undefined && headers['content-encoding'] !== 'identity') return raw
  if (type === 'application/x-www-form-urlencoded') return parsedForm(raw)
  if (!/^application\/(.+\+)?json$/.test(type)) return raw
  // Express' own parser does the same.
  return raw.length === 0 ? {} : JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(raw))
}
