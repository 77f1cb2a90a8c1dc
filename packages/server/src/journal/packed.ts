const LINE_FEED = 0x0a

const NO_BYTES = new Uint8Array()

/** An entry's value: facts as one line of JSON, and bytes after it. */
export const pack = (facts: object, bytes: Uint8Array = NO_BYTES): Uint8Array =>
  Buffer.concat([Buffer.from(`${JSON.stringify(facts)}\n`), bytes])

export function unpack<Facts>(value: Uint8Array): { facts: Facts; bytes: Buffer } {
  const buffer = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  const end = buffer.indexOf(LINE_FEED)
  return { facts: JSON.parse(buffer.toString('utf8', 0, end)), bytes: buffer.subarray(end + 1) }
}
