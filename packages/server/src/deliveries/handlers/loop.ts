import { randomBytes } from 'node:crypto'
import { hostname, networkInterfaces } from 'node:os'
import type { ResolvedSource } from '../../config/resolve.js'
import { KEYLESS } from '../../config/source-names.js'

const PROCESS = randomBytes(9).toString('hex')

/** The name of a source of this process in `Via` (RFC 9110 §7.6.3). It is random, so nobody can forge it. */
export const markOf = (source: string): string => `hookonce-${PROCESS}-${source}`

/** Whether this source has forwarded the request before, directly or through others. */
export const hasPassed = (source: string, via: string | undefined): boolean =>
  via?.split(',').some(entry => entry.trim().split(/\s+/)[1] === markOf(source)) ?? false

/** The sources whose deliveries return to them, judged by addresses and paths. */
export function loopsOf(sources: ReadonlyMap<string, ResolvedSource>, urls: readonly string[]): string[] {
  const next = new Map<string, string>()
  for (const [name, { handle }] of sources) {
    if (typeof handle === 'function' || handle.kind !== 'forward') continue
    const target = sourceAt(handle.url, sources, urls)
    if (target !== undefined) next.set(name, target)
  }
  return [...next.keys()].filter(name => {
    const seen = new Set<string>()
    for (let at = next.get(name); at !== undefined && !seen.has(at); at = next.get(at)) {
      if (at === name) return true
      seen.add(at)
    }
    return false
  })
}

/** The source of this process that a URL leads to; `undefined`: none is known. */
function sourceAt(url: string, sources: ReadonlyMap<string, unknown>, urls: readonly string[]): string | undefined {
  const { protocol, hostname, port, pathname } = new URL(url)
  if (protocol !== 'http:') return undefined
  const isOwn = urls.map(own => new URL(own)).some(own => own.port === port && isSameHost(own.hostname, hostname))
  if (!isOwn) return undefined
  if (pathname === '/webhook' || pathname === KEYLESS) return 'default'
  const [, name] = /^\/hooks\/([^/]+)$/.exec(pathname) ?? []
  return name !== undefined && sources.has(name) ? name : undefined
}

const EVERY_ADDRESS = new Set(['0.0.0.0', '[::]'])

/** Whether a server that listens on one host is reached by the other. */
function isSameHost(listening: string, asked: string): boolean {
  const here = asked.replace(/^\[|\]$/g, '')
  const isLoopback = here === 'localhost' || here === '::1' || here.startsWith('127.')
  if (listening === asked) return true
  if (!EVERY_ADDRESS.has(listening)) return here === 'localhost' && /^(127\.|\[::1\])/.test(listening)
  const addresses = Object.values(networkInterfaces()).flatMap(each => each ?? [])
  return isLoopback || here === hostname() || addresses.some(({ address }) => address === here)
}
