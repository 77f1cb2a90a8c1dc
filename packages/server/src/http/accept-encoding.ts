import type { IncomingMessage } from 'node:http'

export type Encoding = 'br' | 'gzip'

/** How a client wants a body (RFC 9110 §12.5.3); of two that it likes as much the smaller. `undefined`: as it is. */
export function acceptedEncoding({ headers }: IncomingMessage): Encoding | undefined {
  const weights = new Map<string, number>()
  for (const part of String(headers['accept-encoding'] ?? '').split(',')) {
    const [, name, weight = '1'] = /^\s*([\w*-]+)\s*(?:;\s*q=([\d.]+)\s*)?$/i.exec(part) ?? []
    if (name !== undefined) weights.set(name.toLowerCase(), Number(weight))
  }
  const others = weights.get('*') ?? 0
  const br = weights.get('br') ?? others
  const gzip = weights.get('gzip') ?? others
  const best = Math.max(br, gzip)
  if (!(best > 0) || best < (weights.get('identity') ?? 0)) return undefined
  return br >= gzip ? 'br' : 'gzip'
}
