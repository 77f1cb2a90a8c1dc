import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Store } from 'hookonce'
import { postgresStore } from 'hookonce/stores/postgres'
import { redisStore } from 'hookonce/stores/redis'
import { sqliteStore } from 'hookonce/stores/sqlite'
import { Pool } from 'pg'
import { afterEach, expect, onTestFinished, test } from 'vitest'
import { startPostgres } from '../../../../scripts/test-servers/postgres.js'
import { type RedisServer, startRedis } from '../../../../scripts/test-servers/redis.js'
import { connection } from '../../../hookonce/test/stores/sqlite/support.js'
import { closeApps, startApp } from '../support/app.js'
import { send } from '../support/http.js'
import { temporaryFolder } from '../support/server.js'

afterEach(closeApps)

/** A server is ready as long as it takes deliveries with new keys: before the fault, and when that is over. */
async function isReadyUnless(store: Store, fault: { begins: () => unknown; ends: () => unknown }): Promise<void> {
  const { url } = await startApp({ store, env: { HOOKONCE_STORE_TIMEOUT_SECONDS: '5' } })
  let deliveries = 0
  const both = async () => {
    const ready = await send(`${url}/readyz`, { method: 'GET' })
    const key = `key ${++deliveries}`.replace(' ', '-')
    const delivered = await send(`${url}/webhook`, { headers: { 'x-idempotency-key': key }, body: '{"event":"e"}' })
    return [ready.status, delivered.status]
  }
  await expect.poll(both).toEqual([200, 200])
  await fault.begins()
  await expect.poll(both).toEqual([503, 503])
  expect((await send(`${url}/readyz`, { method: 'GET' })).json.code).toBe('store_unavailable')
  await fault.ends()
  await expect.poll(both).toEqual([200, 200])
}

async function redis(): Promise<RedisServer> {
  const server = await startRedis()
  onTestFinished(server.stop)
  return server
}

test('a SQLite file that another process has locked', async () => {
  const path = join(temporaryFolder(), 'hookonce.db')
  const store = sqliteStore(path, { busyTimeoutMs: 50 })
  await store.ready()
  const other = await connection(path)
  onTestFinished(() => other.close())
  await isReadyUnless(store, { begins: () => other.exec('BEGIN IMMEDIATE'), ends: () => other.exec('ROLLBACK') })
})

test('a Redis at its limit of memory', async () => {
  const { url, ask } = await redis()
  const limit = (bytes: string) => ask('CONFIG', 'SET', 'maxmemory', bytes)
  await isReadyUnless(redisStore(url), { begins: () => limit('1mb'), ends: () => limit('0') })
})

test('a Redis that has too few replicas to write', async () => {
  const { url, ask } = await redis()
  const need = (replicas: string) => ask('CONFIG', 'SET', 'min-replicas-to-write', replicas)
  await isReadyUnless(redisStore(url), { begins: () => need('1'), ends: () => need('0') })
})

test('a Redis that became a replica', async () => {
  const [{ url, ask }, primary] = [await redis(), await redis()]
  await isReadyUnless(redisStore(url), {
    begins: () => ask('REPLICAOF', '127.0.0.1', String(primary.port)),
    ends: () => ask('REPLICAOF', 'NO', 'ONE'),
  })
})

test('a Redis that could not write its snapshot', async () => {
  const { url, ask } = await redis()
  await isReadyUnless(redisStore(url), {
    begins: async () => {
      for (const [name, value] of [
        ['save', '3600 1'],
        ['dbfilename', 'snapshot.rdb'],
        ['rdb-key-save-delay', '10000000'],
      ] as const)
        await ask('CONFIG', 'SET', name, value)
      await ask('BGSAVE')
      const child = /rdb_last_bgsave_status:err/
      await expect
        .poll(async () => {
          // Its child is killed for want of memory, as Linux would.
          for (const pid of childrenOf(await ask('INFO', 'server'))) process.kill(pid, 'SIGKILL')
          return child.test(await ask('INFO', 'persistence'))
        })
        .toBe(true)
    },
    ends: () => ask('CONFIG', 'SET', 'stop-writes-on-bgsave-error', 'no'),
  })
})

test('a Postgres that is a standby until it is promoted, and one that is read-only by default', async () => {
  const server = await startPostgres()
  onTestFinished(server.stop)
  const admin = async (text: string) => {
    const pool = new Pool({ connectionString: server.url, max: 1 }).on('error', () => {})
    try {
      await pool.query(text)
    } finally {
      await pool.end()
    }
  }
  await isReadyUnless(postgresStore(server.url), {
    begins: async () => {
      writeFileSync(join(server.folder, 'standby.signal'), '')
      await server.restart()
    },
    ends: () => admin('SELECT pg_promote()'),
  })
  await isReadyUnless(postgresStore(server.url), {
    begins: async () => {
      await admin('ALTER ROLE postgres SET default_transaction_read_only = on')
      await server.restart()
    },
    ends: () => admin('BEGIN READ WRITE; ALTER ROLE postgres RESET default_transaction_read_only; COMMIT'),
  })
})

function childrenOf(info: string): number[] {
  const pid = /process_id:(\d+)/.exec(info)![1]!
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
}
