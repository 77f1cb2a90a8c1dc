/**
 * Concatenates byte strings, with the start (from 1 on) and length of each. The driver sends a buffer as it is, and an array
 * of buffers as text of twice the length.
 */
export function joined(parts: readonly Uint8Array[]): { bytes: Buffer; starts: number[]; lengths: number[] } {
  let start = 1
  const starts = parts.map(({ byteLength }) => {
    const own = start
    start += byteLength
    return own
  })
  return { bytes: Buffer.concat(parts), starts, lengths: parts.map(({ byteLength }) => byteLength) }
}
