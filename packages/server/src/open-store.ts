import { type Store, StoreError } from 'hookonce'
import { StartError } from './start-error.js'
import type { StoreLocation } from './store-url.js'

export interface OpenedStore {
  store: Store
  /** For people: where it is in full, and what survives what. */
  place: string
  durability: string
}

/** Opening includes what later operations do not: loading a driver, making a file. */
const LEAST_OPENING_MS = 5_000

/** Only the store that is asked for is loaded; resolves when it can do its work. @throws {StartError} */
export async function openStore(location: StoreLocation, storeTimeoutMs: number): Promise<OpenedStore> {
  const opened = await load(location, storeTimeoutMs)
  try {
    await askWithin(Math.max(storeTimeoutMs, LEAST_OPENING_MS), opened.store.ready())
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n', 1)[0] : String(error)
    throw new StartError(`the store ${opened.place} cannot be used: ${reason}`, 1)
  }
  return opened
}

async function load(location: StoreLocation, storeTimeoutMs: number): Promise<OpenedStore> {
  if (location.kind === 'memory') {
    const { memoryStore } = await import('hookonce/stores/memory')
    return { store: memoryStore(), place: 'memory:', durability: 'none: records end with this process' }
  }
  const { sqliteStore } = await import('hookonce/stores/sqlite')
  // SQLite gives up on a locked file before the receiver gives up on SQLite: then it is known that nothing was written.
  const store = sqliteStore(location.path, { busyTimeoutMs: Math.floor(storeTimeoutMs * 0.75) })
  return { store, place: `sqlite:${location.path}`, durability: 'every result is on disk before it is answered' }
}

/** The store's answer, or a {@link StoreError} when it takes longer than `ms`. */
async function askWithin<T>(ms: number, question: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new StoreError(`the store did not answer within ${ms} ms`, 'unknown')), ms)
  })
  try {
    return await Promise.race([question, tooLate])
  } finally {
    clearTimeout(timer)
  }
}
