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
  /** For people: where it is in full, and what survives what. */
  place: string
  durability: string
}

/** Opening includes what later operations do not: loading a driver, connecting, making a file or a schema. */
const OPENING_MS = 5_000
const TRY_AGAIN_MS = 100

/** Only the store that is asked for is loaded; resolves when it can do its work. @throws {StartError} */
export async function openStore(location: StoreLocation, options: StoreOptions, log: Logger): Promise<OpenedStore> {
  const place = placeOf(location)
  try {
    const { store, durability } = await load(location, options, log)
    // A server may be about to come up; a file that cannot be used stays so.
    const tryFor = location.kind === 'redis' || location.kind === 'postgres' ? OPENING_MS : 0
    await patiently(tryFor, () => store.ready())
    return { store, place, durability: await patiently(tryFor, durability) }
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n', 1)[0]! : String(error)
    // An @ further on may have ended the password: then what is taken for the host is a part of it.
    if (location.kind === 'postgres' && /\?.*@/s.test(location.url) && NO_HOST.test(reason)) {
      throw new StartError(`the store cannot be used: its host does not answer; ${ENCODE}`, 1)
    }
    throw new StartError(`the store ${place} cannot be used: ${reason}`, 1)
  }
}

/** Or a name that nobody resolves in time. */
const NO_HOST = /ENOTFOUND|EAI_AGAIN|could be opened in time/
const ENCODE = 'user and password have to be percent-encoded in a URL (@ is %40, ? is %3F)'

const OLDER_STATE =
  'redis has forgotten records: its data is of an older state, and deliveries that came since run again if they come again'

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

/** Whoever can write a folder can put another file in the place of the one in it. */
function warnOfOpenFolder(folder: string, log: Logger): void {
  const { mode } = statSync(folder)
  if ((mode & BY_OTHERS) === 0 || (mode & STICKY) !== 0) return
  log.warn({ folder, fix: `chmod go-w ${folder}` }, 'other users can replace the file of the records')
}

/** The store's answer, asked for again for a while if it cannot be reached. */
async function patiently<T>(tryForMs: number, question: () => Promise<T>): Promise<T> {
  const askUntil = performance.now() + tryForMs
  for (;;) {
    try {
      return await within(OPENING_MS, question())
    } catch (error) {
      if (!(error instanceof StoreError) || performance.now() + TRY_AGAIN_MS >= askUntil) throw error
    }
    await setTimeout(TRY_AGAIN_MS)
  }
}

async function within<T>(ms: number, answer: Promise<T>): Promise<T> {
  const given = new AbortController()
  const tooLate = setTimeout(ms, undefined, { signal: given.signal }).then(() => {
    throw new StoreError(`no answer within ${ms} ms`, 'unknown')
  })
  try {
    return await Promise.race([answer, tooLate])
  } finally {
    tooLate.catch(() => {})
    given.abort()
  }
}
