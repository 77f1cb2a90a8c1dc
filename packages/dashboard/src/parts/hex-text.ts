const PER_LINE = 16
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Offset, sixteen bytes, and those of them that are visible ASCII: a line at a time, with breaks between. */
export function* hexLines(bytes: Uint8Array): Generator<string> {
  for (let at = 0; at < bytes.length; at += PER_LINE) {
    let hex = ''
    let ascii = ''
    for (const byte of bytes.subarray(at, at + PER_LINE)) {
      hex += `${HEX[byte]} `
      ascii += byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·'
    }
    const isLast = at + PER_LINE >= bytes.length
    yield `${at.toString(16).padStart(6, '0')}  ${hex.padEnd(PER_LINE * 3)} ${ascii}${isLast ? '' : '\n'}`
  }
}
