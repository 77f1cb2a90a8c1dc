import { resolve } from 'node:path'
import { ConfigurationError, checkConnectionUrl } from 'hookonce'
import type { RedisAddress } from 'hookonce/stores/redis'
import type { Given } from './environment.js'
import { StartError } from './start-error.js'

export type StoreLocation =
  | { kind: 'memory' }
  | { kind: 'sqlite'; path: string }
  | { kind: 'redis'; address: RedisAddress }
  | { kind: 'postgres'; url: string }

/** @param folder a relative SQLite path starts there */
export function parseStoreUrl(
  { value, where }: { value: string; where: Given['where'] },
  folder: string,
): StoreLocation {
  if (value === 'memory:') return { kind: 'memory' }
  const path = /^sqlite:(?:\/\/(?=\/))?(?!\/\/|:)(.+)$/.exec(value)?.[1]
  if (path !== undefined) return { kind: 'sqlite', path: resolve(folder, path) }
  if (/^(rediss?|postgres(ql)?):/.test(value)) assertReadable(value, where)
  if (isUrl(value, /^rediss?:$/)) return { kind: 'redis', address: value }
  if (isUrl(value, /^postgres(ql)?:$/)) return { kind: 'postgres', url: value }
  // Only the scheme: the rest may contain a password.
  const scheme = /^[a-z0-9+.-]+:/i.exec(value)?.[0]
  const shown = scheme === undefined || KNOWN.includes(scheme) ? '' : `, not ${scheme}`
  throw new StartError(
    `${where} must be memory:, sqlite:PATH, redis://HOST:PORT, rediss://… or postgres://HOST/DATABASE${shown}`,
  )
}

/** @throws {StartError} the URL is ambiguous: its credentials are not encoded */
export function assertReadable(url: string, where: string): void {
  try {
    checkConnectionUrl(url, where)
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    throw new StartError(error.message)
  }
}

const KNOWN = ['sqlite:', 'redis:', 'rediss:', 'postgres:', 'postgresql:']

function isUrl(value: string, protocol: RegExp): boolean {
  if (!URL.canParse(value)) return false
  const url = new URL(value)
  return protocol.test(url.protocol) && value.startsWith(`${url.protocol}//`) && url.hostname !== ''
}

/** The location of the store for people: without user, password and options. */
export function placeOf(location: StoreLocation): string {
  switch (location.kind) {
    case 'memory':
      return 'memory:'
    case 'sqlite':
      return `sqlite:${location.path}`
    case 'postgres':
      return withoutCredentials(location.url)
    case 'redis': {
      const { address } = location
      if (typeof address === 'string') return withoutCredentials(address)
      if ('cluster' in address)
        return `redis cluster of ${(address.cluster as string[]).map(withoutCredentials).join(', ')}`
      return `redis master ${address.name} by sentinels ${address.sentinels.map(({ host }) => host).join(', ')}`
    }
  }
}

/** A URL without user, password, query and fragment. */
export function withoutCredentials(text: string): string {
  const { protocol, host, pathname } = new URL(text)
  return `${protocol}//${host}${pathname === '/' ? '' : pathname}`
}
