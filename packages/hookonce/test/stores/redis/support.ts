import { setTimeout as delay } from 'node:timers/promises'
import type { ClaimRequest, Store } from 'hookonce'
import { type RedisStore, type RedisStoreOptions, redisStore } from 'hookonce/stores/redis'
import { beforeAll, onTestFinished } from 'vitest'
import { type RedisOptions, type RedisServer, startRedis } from '../../../../../scripts/test-servers/redis.js'
import { requireTool, TOOL_TIMEOUT_MS } from '../../../../../scripts/test-tools/index.js'

beforeAll(() => requireTool('redis'), TOOL_TIMEOUT_MS)

export const HOUR = 3_600_000

/** A server that ends with the test. */
export async function server(options?: RedisOptions): Promise<RedisServer> {
  const started = await startRedis(options)
  onTestFinished(started.stop)
  return started
}

/** A store that ends with the test. Patient, unless time is what is tested: the machine may do other things too. */
export function open(connection: Parameters<typeof redisStore>[0], options?: RedisStoreOptions): RedisStore {
  const store = redisStore(connection, { commandTimeoutMs: 20_000, ...options })
  onTestFinished(() => store.close())
  return store
}

export function request(key: string, changes: Partial<ClaimRequest> = {}): ClaimRequest {
  return {
    scope: 'test',
    key,
    fingerprint: null,
    leaseId: `lease of ${key}`,
    leaseMs: HOUR,
    lockTtlMs: HOUR,
    retentionMs: HOUR,
    maxLosses: 10,
    ...changes,
  }
}

/** Claims and completes with a result of the key's own. */
export async function complete(store: Store, key: string): Promise<void> {
  await store.claim(request(key))
  await store.complete(request(key), `lease of ${key}`, Buffer.from(`result of ${key}`))
}

/** Asks until the store answers. */
export async function insist<T>(question: () => Promise<T>): Promise<T> {
  for (const deadline = performance.now() + 45_000; ; ) {
    try {
      return await question()
    } catch (error) {
      if (performance.now() > deadline) throw error
      await delay(10)
    }
  }
}

/** Waits until it holds. */
export async function eventually(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + 45_000; !(await condition()); await delay(10)) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`)
  }
}

/** The names in an answer of the server. */
export const namesIn = (answer: string) => answer.split('\r\n').filter(line => /^[^$*]/.test(line))
