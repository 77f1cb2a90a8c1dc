import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { type Store, StoreError } from 'hookonce'
import type { Logger } from 'pino'
import { StartError } from '../config/start-error.js'
import type { StoreOptions } from '../config/store-options.js'
import { placeOf, type StoreLocation } from '../config/store-url.js'

export interface OpenedStore {
  store: Store
  /** Where it is, for people. */
  place: string
  /** What survives a crash, for people. */
  durability: string
}

/** Longer than for later operations: opening connects and creates files or a schema. */
const OPEN_TIMEOUT_MS = 5_000
const RETRY_DELAY_MS = 100

/** Loads the driver of this store only; resolves when the store is ready. @throws {StartError} */
export async function openStore(location: StoreLocation, options: StoreOptions, log: Logger): Promise<OpenedStore> {
  const place = placeOf(location)
  try {
    const { store, durability } = await load(location, options, log)
    // A server may still be starting; a file will not mend itself.
    const retryForMs = location.kind === 'redis' || location.kind === 'postgres' ? OPEN_TIMEOUT_MS : 0
    await retry(retryForMs, () => store.ready())
    return { store, place, durability: await retry(retryForMs, durability) }
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n', 1)[0]! : String(error)
    // An unencoded ? in the password makes a part of it look like the host, which must not be shown.
    if (location.kind === 'postgres' && /\?.*@/s.test(location.url) && NO_HOST.test(reason)) {
      throw new StartError(`the store cannot be used: its host does not answer; ${ENCODE}`, 1)
    }
    throw new StartError(`the store ${place} cannot be used: ${reason}`, 1)
  }
}

const NO_HOST = /ENOTFOUND|EAI_AGAIN|could be opened in time/
const ENCODE = 'user and password have to be percent-encoded in a URL (@ is %40, ? is %3F)'

const OLDER_STATE =
  'redis has forgotten records: its data is of an older state, and deliveries that came since run again if they come again'

interface LoadedStore {
  store: Store
  durability(): Promise<string>
}

async function load(location: StoreLocation, options: StoreOptions, log: Logger): Promise<LoadedStore> {
  // The store times out before the receiver does: only the store knows whether anything was written.
  const timeoutMs = Math.floor(options.storeTimeoutMs * 0.75)
  switch (location.kind) {
    case 'memory': {
      const { memoryJournal, memoryStore } = await import('hookonce/stores/memory')
      const store = { ...memoryStore(), journal: memoryJournal() }
      return { store, durability: async () => 'none: records end with this process' }
    }
    case 'sqlite': {
      const { sqliteStore } = await import('hookonce/stores/sqlite')
      const store = sqliteStore(location.path, { busyTimeoutMs: timeoutMs })
      const durability = async () => {
        warnOfOpenFolder(dirname(location.path), log)
        return 'every result is on disk before it is answered'
      }
      return { store, durability }
    }
    case 'redis': {
      const { redisStore } = await import('hookonce/stores/redis')
      const { redisPrefix: prefix, redisAllowEviction: allowEviction } = options
      const onForgotten = (since?: number) => {
        if (since === undefined) log.error('redis has forgotten its records: deliveries that come again run again')
        else log.error({ since: new Date(since).toISOString() }, OLDER_STATE)
      }
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

const BY_OTHERS = 0o022
const STICKY = 0o1000

/** A user who can write to a folder can replace the files in it. */
function warnOfOpenFolder(folder: string, log: Logger): void {
  const { mode } = statSync(folder)
  if ((mode & BY_OTHERS) === 0 || (mode & STICKY) !== 0) return
  log.warn({ folder, fix: `chmod go-w ${folder}` }, 'other users can replace the file of the records')
}

/** Retries an operation while the store cannot be reached. */
async function retry<T>(retryForMs: number, operation: () => Promise<T>): Promise<T> {
  const retryUntil = performance.now() + retryForMs
  for (;;) {
    try {
      return await withTimeout(OPEN_TIMEOUT_MS, operation())
    } catch (error) {
      if (!(error instanceof StoreError) || performance.now() + RETRY_DELAY_MS >= retryUntil) throw error
    }
    await setTimeout(RETRY_DELAY_MS)
  }
}

async function withTimeout<T>(ms: number, operation: Promise<T>): Promise<T> {
  const controller = new AbortController()
  const timeout = setTimeout(ms, undefined, { signal: controller.signal }).then(() => {
    throw new StoreError(`no answer within ${ms} ms`, 'unknown')
  })
  try {
    return await Promise.race([operation, timeout])
  } finally {
    timeout.catch(() => {})
    controller.abort()
  }
}
