import type { RecordedResponse } from './response.js'

/** Layout: version (1 byte), length of the head (4 bytes, big-endian), head (JSON), body. */
const VERSION = 1
const PREFIX_BYTES = 5

export function encodeResponse({ status, headers, body, bodyOmitted }: RecordedResponse): Uint8Array {
  const head = JSON.stringify(bodyOmitted ? { status, headers, bodyOmitted } : { status, headers })
  const headBytes = Buffer.byteLength(head)
  const bytes = Buffer.allocUnsafe(PREFIX_BYTES + headBytes + body.length)
  bytes.writeUInt8(VERSION, 0)
  bytes.writeUInt32BE(headBytes, 1)
  bytes.write(head, PREFIX_BYTES)
  bytes.set(body, PREFIX_BYTES + headBytes)
  return bytes
}

/** @throws {TypeError} the version is unknown */
export function decodeResponse(result: Uint8Array): RecordedResponse {
  const bytes = Buffer.from(result.buffer, result.byteOffset, result.byteLength)
  if (bytes[0] !== VERSION) throw new TypeError('this record was written by an unknown version')
  const bodyAt = PREFIX_BYTES + bytes.readUInt32BE(1)
  const { status, headers, bodyOmitted = false } = JSON.parse(bytes.toString('utf8', PREFIX_BYTES, bodyAt))
  return { status, headers, body: bytes.subarray(bodyAt), bodyOmitted }
}
