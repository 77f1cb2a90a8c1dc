import type { IncomingMessage } from 'node:http'
import { parse } from 'node:querystring'
import type { Readable } from 'node:stream'
import { isUint8Array } from 'node:util/types'

/** A request whose body was read: what `idempotent` and `handleNode` add to it. */
export interface ReceivedBody {
  /** The body as it arrived. */
  rawBody: Buffer
  /** JSON and form bodies parsed, others as in `rawBody`. */
  // biome-ignore lint/suspicious/noExplicitAny: what a sender sends has no type until the handler checks it
  body: any
}

/** `too_large`: more than `limit`, and reading stopped. `aborted`: the sender disconnected. */
export type BodyOutcome = Buffer | 'too_large' | 'aborted'

/**
 * The bytes of a body that somebody read before; `undefined`: nobody did.
 *
 * @param where who asks
 * @throws {TypeError} nobody kept them
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

/** @param payload what to read instead of the request itself, if something before made another stream of it */
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

/** The body as handlers like it. @throws if it is not what its content type says */
export function parsedBody({ headers }: IncomingMessage, raw: Buffer): unknown {
  const type = (headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase()
  if (headers['content-encoding'] !== undefined && headers['content-encoding'] !== 'identity') return raw
  if (type === 'application/x-www-form-urlencoded') return parsedForm(raw)
  if (!/^application\/(.+\+)?json$/.test(type)) return raw
  // An empty body is a common slip of clients; Express' own parser reads it so too.
  return raw.length === 0 ? {} : JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(raw))
}
