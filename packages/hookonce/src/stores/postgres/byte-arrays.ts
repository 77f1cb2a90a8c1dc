/**
 * Many byte strings as one, and where each starts (from 1 on): the driver sends a buffer as it is, and an array of them
 * as text twice as long.
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
