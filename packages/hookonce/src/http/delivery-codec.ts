import { promisify } from 'node:util'
import { deflateRaw, inflateRaw } from 'node:zlib'
import { Delivery } from './delivery.js'
import { endToEnd } from './header-names.js'

const deflate = promisify(deflateRaw)
const inflate = promisify(inflateRaw)

/** Compression gains too little below. */
const COMPRESSED_FROM_BYTES = 1_024

const NONE: ReadonlySet<string> = new Set()

/**
 * Layout: version (1 byte), whether the body is deflated (1), length of the head (4, big-endian), head (JSON), body.
 */
const VERSION = 1
const PREFIX_BYTES = 6

/** Encodes a delivery for the store, without the headers that contain secrets. */
export async function encodeDelivery(
  { method, url, headers, body, requestId }: Delivery,
  secretHeaders: ReadonlySet<string> = NONE,
): Promise<Uint8Array> {
  const isSecret = (folded: string) => folded === 'authorization' || folded === 'cookie' || secretHeaders.has(folded)
  const kept = endToEnd(headers, isSecret)
  const head = Buffer.from(JSON.stringify([method, url, kept, requestId]))
  const deflated = body.length >= COMPRESSED_FROM_BYTES ? await deflate(body, { level: 1 }) : undefined
  const isDeflated = deflated !== undefined && deflated.length < body.length
  const prefix = Buffer.alloc(PREFIX_BYTES)
  prefix.writeUInt8(VERSION, 0)
  prefix.writeUInt8(isDeflated ? 1 : 0, 1)
  prefix.writeUInt32BE(head.length, 2)
  return Buffer.concat([prefix, head, isDeflated ? deflated : body])
}

/** @throws {TypeError} the version is unknown */
export async function decodeDelivery(stored: Uint8Array): Promise<Delivery> {
  const bytes = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength)
  if (bytes[0] !== VERSION) throw new TypeError('this delivery was written by an unknown version')
  const bodyAt = PREFIX_BYTES + bytes.readUInt32BE(2)
  const [method, url, headers, requestId] = JSON.parse(bytes.toString('utf8', PREFIX_BYTES, bodyAt))
  const body = bytes.subarray(bodyAt)
  return new Delivery({ method, url, headers, requestId, body: bytes[1] === 1 ? await inflate(body) : body })
}
