import { join } from 'node:path'
import type { Store } from 'hookonce'
import { memoryStore } from 'hookonce/stores/memory'
import { postgresStore } from 'hookonce/stores/postgres'
import { redisStore } from 'hookonce/stores/redis'
import { sqliteStore } from 'hookonce/stores/sqlite'
import { Pool } from 'pg'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { startPostgres } from '../../../../scripts/test-servers/postgres.js'
import { startRedis } from '../../../../scripts/test-servers/redis.js'
import { requireTool, TOOL_TIMEOUT_MS } from '../../../../scripts/test-tools/index.js'
import { temporaryFolder } from './sqlite/support.js'

beforeAll(() => requireTool('redis'), TOOL_TIMEOUT_MS)

const HOUR = 3_600_000

type Fill = (scope: string, count: number, bytes: number) => Promise<unknown>

function byClaims(store: Store): Fill {
  const durations = { leaseMs: HOUR, lockTtlMs: HOUR, retentionMs: HOUR }
  return async (scope, count, bytes) => {
    let made = 0
    const work = async () => {
      while (made < count) {
        const id = { scope, key: `key ${made++}` }
        await store.claim({ ...id, fingerprint: null, leaseId: 'lease', ...durations, maxLosses: 10 })
        await store.complete(id, 'lease', crypto.getRandomValues(new Uint8Array(bytes)))
      }
    }
    await Promise.all(Array.from({ length: 128 }, work))
  }
}

/** Each in one statement: thousands of flushes would take too long. */
async function bySql(store: Store, url: string): Promise<Fill> {
  await store.ready()
  const pool = new Pool({ connectionString: url, max: 1 })
  onTestFinished(() => pool.end())
  return (scope, count, bytes) =>
    pool.query(
      `INSERT INTO hookonce.records (scope, key, state, attempts, losses, lease_id, fencing_token, created_at, claimed_at,
         lease_ends_at, settled_at, expires_at, lock_ttl_ms, retention_ms, result)
       SELECT $1, n::text, 'completed', 1, 0, 'a', 1, 0, at, at, at, at + 3600000, 0, 3600000,
         decode(repeat(md5(n::text), $3), 'hex')
       FROM hookonce.now_ms() AS at, generate_series(1, $2) AS n`,
      [scope, count, bytes / 16],
    )
}

const stores: Record<string, () => Promise<[Store, Fill]>> = {
  async memory() {
    const store = memoryStore()
    return [store, byClaims(store)]
  },
  async sqlite() {
    const store = sqliteStore(join(temporaryFolder(), 'hookonce.db'), { synchronous: 'normal' })
    return [store, byClaims(store)]
  },
  async redis() {
    const { url, stop } = await startRedis()
    onTestFinished(stop)
    const store = redisStore(url, { commandTimeoutMs: 20_000 })
    return [store, byClaims(store)]
  },
  async postgres() {
    const { url, stop } = await startPostgres()
    onTestFinished(stop)
    const store = postgresStore(url, { timeoutMs: 20_000 })
    return [store, await bySql(store, url)]
  },
}

test.for(Object.entries(stores))('%s: of many records the usage of a scope is near what it keeps', async ([, open]) => {
  const [store, fill] = await open()
  onTestFinished(() => store.close())
  await fill('small', 8000, 96)
  await fill('large', 16_000, 992)
  const [small, large] = [await store.usage!('small'), await store.usage!('large')]
  for (const [{ records }, kept] of [[small, 8000] as const, [large, 16_000] as const]) {
    expect(records).toBeGreaterThan(kept * 0.75)
    expect(records).toBeLessThan(kept * 1.25)
  }
  expect(large.bytes).toBeGreaterThan(10_000_000)
  expect(large.bytes).toBeLessThan(40_000_000)
  expect(small.bytes).toBeLessThan(10_000_000)
})
