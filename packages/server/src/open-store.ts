import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Store } from 'hookonce'
import { StartError } from './start-error.js'
import type { StoreLocation } from './store-url.js'

export interface OpenedStore {
  store: Store
  /** For people: where it is in full, and what survives what. */
  place: string
  durability: string
}

/** Only the store that is asked for is loaded. @throws {StartError} */
export async function openStore(location: StoreLocation, storeTimeoutMs: number): Promise<OpenedStore> {
  if (location.kind === 'memory') {
    const { memoryStore } = await import('hookonce/stores/memory')
    return { store: memoryStore(), place: 'memory:', durability: 'none: records end with this process' }
  }
  const { path } = location
  try {
    mkdirSync(dirname(path), { recursive: true })
    const { sqliteStore } = await import('hookonce/stores/sqlite')
    // SQLite gives up on a locked file before the receiver gives up on SQLite: then it is known that nothing was written.
    const store = sqliteStore(path, { busyTimeoutMs: Math.floor(storeTimeoutMs * 0.75) })
    return { store, place: `sqlite:${path}`, durability: 'every result is on disk before it is answered' }
  } catch (error) {
    throw storeUnusable(`sqlite:${path}`, error)
  }
}

export function storeUnusable(place: string, error: unknown): StartError {
  const reason = error instanceof Error ? error.message.split('\n', 1)[0] : String(error)
  return new StartError(`the store ${place} cannot be used: ${reason}`, 1)
}
