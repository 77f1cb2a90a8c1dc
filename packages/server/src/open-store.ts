import { type Store, StoreError } from 'hookonce'
import type { Logger } from 'pino'
import { StartError } from './start-error.js'
import { placeOf, type StoreLocation } from './store-url.js'

/** What the stores are told besides where they are. */
export interface StoreOptions {
  /** How long the receiver waits for one operation. */
  storeTimeoutMs: number
  /** The longest that a handler may work, its commit included. */
  longestAttemptMs: number
  redisPrefix: string
  redisAllowEviction: boolean
  postgresSchema: string
  /** A connection string, or `off`; without it a connection of the pool listens. */
  postgresListenUrl: string | undefined
  postgresPoolSize: number
}

export interface OpenedStore {
  store: Store
  /** For people: where it is in full, and what survives what. */
  place: string
  durability: string
}

/** Opening includes what later operations do not: loading a driver, making a file. */
const LEAST_OPENING_MS = 5_000

/** Only the store that is asked for is loaded; resolves when it can do its work. @throws {StartError} */
export async function openStore(location: StoreLocation, options: StoreOptions, log: Logger): Promise<OpenedStore> {
  const place = placeOf(location)
  const withinMs = Math.max(options.storeTimeoutMs, LEAST_OPENING_MS)
  try {
    const { store, durability } = await load(location, options, log)
    await askWithin(withinMs, store.ready())
    return { store, place, durability: await askWithin(withinMs, durability()) }
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n', 1)[0] : String(error)
    throw new StartError(`the store ${place} cannot be used: ${reason}`, 1)
  }
}

interface LoadedStore {
  store: Store
  durability(): Promise<string>
}

async function load(location: StoreLocation, options: StoreOptions, log: Logger): Promise<LoadedStore> {
  // Stores give up before the receiver gives up on them: then it is known whether anything was written.
  const timeoutMs = Math.floor(options.storeTimeoutMs * 0.75)
  switch (location.kind) {
    case 'memory': {
      const { memoryStore } = await import('hookonce/stores/memory')
      return { store: memoryStore(), durability: async () => 'none: records end with this process' }
    }
    case 'sqlite': {
      const { sqliteStore } = await import('hookonce/stores/sqlite')
      const store = sqliteStore(location.path, { busyTimeoutMs: timeoutMs })
      return { store, durability: async () => 'every result is on disk before it is answered' }
    }
    case 'redis': {
      const { redisStore } = await import('hookonce/stores/redis')
      const { redisPrefix: prefix, redisAllowEviction: allowEviction } = options
      const onForgotten = () => log.error('redis has forgotten its records: deliveries that come again run again')
      const store = redisStore(location.address, { prefix, allowEviction, commandTimeoutMs: timeoutMs, onForgotten })
      return { store, durability: () => store.durability() }
    }
    case 'postgres': {
      const { postgresStore } = await import('hookonce/stores/postgres')
      const { postgresSchema: schema, postgresListenUrl, postgresPoolSize: poolSize, longestAttemptMs } = options
      const listen = postgresListenUrl === 'off' ? false : (postgresListenUrl ?? true)
      const transactionTimeoutMs = longestAttemptMs
      const store = postgresStore(location.url, { schema, listen, poolSize, timeoutMs, transactionTimeoutMs })
      return { store, durability: async () => 'every result is committed before it is answered' }
    }
  }
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
