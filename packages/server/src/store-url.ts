import { resolve } from 'node:path'
import type { Given } from './environment.js'
import { StartError } from './start-error.js'

export type StoreLocation = { kind: 'memory' } | { kind: 'sqlite'; path: string }

/** A SQLite path is taken from `folder`, the one the command was typed in. */
export function parseStoreUrl(
  { value, where }: { value: string; where: Given['where'] },
  folder: string,
): StoreLocation {
  if (value === 'memory:') return { kind: 'memory' }
  const path = /^sqlite:(?:\/\/(?=\/))?(?!\/\/|:)(.+)$/.exec(value)?.[1]
  if (path === undefined) {
    // The scheme alone: what follows may hold a password.
    const scheme = /^[a-z0-9+.-]+:/i.exec(value)?.[0]
    const shown = scheme === undefined || scheme === 'sqlite:' ? '' : `, not ${scheme}`
    throw new StartError(`${where} must be memory: or sqlite:PATH${shown}`)
  }
  return { kind: 'sqlite', path: resolve(folder, path) }
}
