import type { OutgoingMessage } from 'node:http'
import { isUint8Array } from 'node:util/types'

/** What `res.writeHead` takes: an object, a flat list of names and values, a list of pairs. */
export type HeaderFields = Record<string, string | number | readonly string[]> | readonly (string | readonly string[])[]

/** Merges as `res.writeHead` does: over what was set before, several values of one name kept. */
export function setFields(headers: OutgoingMessage, fields: HeaderFields | undefined): void {
  if (!fields) return
  if (!isList(fields)) {
    for (const [name, value] of Object.entries(fields)) if (name) headers.setHeader(name, value)
    return
  }
  const flat = (Array.isArray(fields[0]) ? fields.flat() : fields) as string[]
  if (flat.length % 2 !== 0) throw coded(new TypeError('writeHead: a header without a value'), 'ERR_INVALID_ARG_VALUE')
  for (let at = 0; at < flat.length; at += 2) headers.removeHeader(flat[at]!)
  for (let at = 0; at < flat.length; at += 2) headers.appendHeader(flat[at]!, flat[at + 1]!)
}

const isList = (fields: HeaderFields): fields is readonly (string | readonly string[])[] => Array.isArray(fields)

/** Missing from the types of Node 20. */
export function rawHeaderNames(headers: OutgoingMessage): string[] {
  return (headers as OutgoingMessage & { getRawHeaderNames(): string[] }).getRawHeaderNames()
}

/** @throws {TypeError} as `res.write` does */
export function bytesOf(chunk: unknown, encoding: BufferEncoding | undefined): Buffer {
  if (typeof chunk === 'string') return Buffer.from(chunk, encoding)
  if (isUint8Array(chunk)) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  const code = chunk === null ? 'ERR_STREAM_NULL_VALUES' : 'ERR_INVALID_ARG_TYPE'
  throw coded(new TypeError('The "chunk" argument must be a string or a Uint8Array'), code)
}

export function headersSent(verb: string): Error {
  return streamError('ERR_HTTP_HEADERS_SENT', `Cannot ${verb} headers after they are sent to the client`)
}

export function invalidStatus(status: number): Error {
  return coded(new RangeError(`Invalid status code: ${status}`), 'ERR_HTTP_INVALID_STATUS_CODE')
}

export function streamError(code: string, message: string): Error {
  return coded(new Error(message), code)
}

const coded = (error: Error, code: string): Error => Object.assign(error, { code })
