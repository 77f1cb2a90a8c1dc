import { randomBytes } from 'node:crypto'
import { hostname, networkInterfaces } from 'node:os'
import type { ResolvedSource } from '../../config/resolve.js'
import { KEYLESS } from '../../config/source-names.js'

const PROCESS = randomBytes(9).toString('hex')

/** How a source of this process is named in what it forwards (RFC 9110 §7.6.3): nobody else can know it. */
export const markOf = (source: string): string => `hookonce-${PROCESS}-${source}`

/** Whether a request has been forwarded by this source before, however many others it has passed since. */
export const hasPassed = (source: string, via: string | undefined): boolean =>
  via?.split(',').some(entry => entry.trim().split(/\s+/)[1] === markOf(source)) ?? false

/** The sources whose deliveries come back to them, as far as addresses and paths tell. */
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

/** Which source of this process answers at a URL; `undefined`: none, as far as can be told. */
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

/** Whether what listens on one host answers on the other. */
function isSameHost(listening: string, asked: string): boolean {
  const here = asked.replace(/^\[|\]$/g, '')
  const isLoopback = here === 'localhost' || here === '::1' || here.startsWith('127.')
  if (listening === asked) return true
  if (!EVERY_ADDRESS.has(listening)) return here === 'localhost' && /^(127\.|\[::1\])/.test(listening)
  const addresses = Object.values(networkInterfaces()).flatMap(each => each ?? [])
  return isLoopback || here === hostname() || addresses.some(({ address }) => address === here)
}
