const PER_LINE = 16

/** Offset, sixteen bytes, and those of them that are visible ASCII. */
export function hexText(bytes: Uint8Array): string {
  const lines: string[] = []
  for (let at = 0; at < bytes.length; at += PER_LINE) {
    const line = [...bytes.subarray(at, at + PER_LINE)]
    const hex = line.map(byte => byte.toString(16).padStart(2, '0')).join(' ')
    const ascii = line.map(byte => (byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·')).join('')
    lines.push(`${at.toString(16).padStart(6, '0')}  ${hex.padEnd(PER_LINE * 3)} ${ascii}`)
  }
  return lines.join('\n')
}
