import { setTimeout as delay } from 'node:timers/promises'
import { type ClaimOutcome, StoreError } from 'hookonce'
import { postgresStore } from 'hookonce/stores/postgres'
import { Pool } from 'pg'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../../../scripts/test-servers/postgres.js'
import { TOOL_TIMEOUT_MS } from '../../../../../scripts/test-tools/index.js'
import { type PostgresProxy, startProxy } from './proxy.js'
import { acquire, isReady, newId, newLeaseId, openPool, requestOf, until } from './support.js'

let server: PostgresServer
let proxy: PostgresProxy
let admin: Pool
const ends: (() => unknown)[] = []

beforeAll(async () => {
  server = await startPostgres()
  proxy = await startProxy(server)
  admin = openTimedPool(server.url, 2)
}, TOOL_TIMEOUT_MS)
afterEach(async () => {
  proxy.letGo()
  for (const end of ends.splice(0).reverse()) await end()
})
afterAll(async () => {
  await admin?.end()
  await proxy?.stop()
  await server?.stop()
})

const openTimedPool = (url: string, max = 10): Pool => openPool(url, { max, connectionTimeoutMillis: 1000 })

function open(...[pool, options]: Parameters<typeof postgresStore<Pool>>) {
  const store = postgresStore(pool, { purgeIntervalMs: 0, ...options })
  ends.push(
    () => pool.end(),
    () => store.close(),
  )
  return store
}

/** Far above each time limit, for a machine that does other things; far below a wait for the server. */
const IN_TIME_MS = 8_000

const refused = expect.objectContaining({ code: 'ERR_STORE', effect: 'refused' })

/** How long it takes until it has settled, one way or the other. */
async function timeOf(promise: Promise<unknown>): Promise<number> {
  const started = performance.now()
  await promise.catch(() => {})
  return performance.now() - started
}

test('an immediate shutdown and a restart under load lose nothing that was acknowledged', async () => {
  const store = open(openTimedPool(server.url))
  await store.ready()
  const results = new Map<string, string>()
  let isOver = false
  let broken = 0
  const workers = Array.from({ length: 16 }, async () => {
    while (!isOver) {
      const id = newId()
      const leaseId = newLeaseId()
      try {
        const { status } = await store.claim(requestOf(id, leaseId))
        if (status !== 'acquired') continue
        if ((await store.complete(id, leaseId, Buffer.from(leaseId))).status === 'completed')
          results.set(id.key, leaseId)
      } catch (error) {
        if (!(error instanceof StoreError)) throw error
        broken++
        await delay(20)
      }
    }
  })
  for (const end of [server.stopImmediately, server.kill, server.stopImmediately]) {
    const before = results.size
    await until('results', () => results.size > before + 200)
    await end()
    await until('a failure', () => broken > 0)
    broken = 0
    await server.restart()
    await until('the store to be back', () => isReady(store))
  }
  isOver = true
  await Promise.all(workers)
  for (const [key, leaseId] of results) {
    const claim = await store.claim(requestOf({ scope: 's', key }, newLeaseId()))
    expect(claim.status === 'completed' && Buffer.from(claim.result).toString()).toBe(leaseId)
  }
}, 60_000)

test('pooled connections to a read-only server are replaced', async () => {
  await open(openTimedPool(server.url)).ready()
  const setRole = (setting: string) => admin.query(`BEGIN READ WRITE; ALTER ROLE postgres ${setting}; COMMIT`)
  await setRole('SET default_transaction_read_only = on')
  const pool = openTimedPool(server.url, 4)
  try {
    // As after a failover: what is kept leads to the demoted server, what is new to the primary.
    const clients = await Promise.all(Array.from({ length: 4 }, () => pool.connect()))
    for (const client of clients) client.release()
  } finally {
    await setRole('RESET default_transaction_read_only')
  }
  const store = open(pool)
  await until('the store to write again', () => isReady(store))
  expect(await store.claim(requestOf(newId(), newLeaseId()))).toMatchObject({ status: 'acquired' })
})

test('operations are retried after their connections were cut', async () => {
  const store = open(openTimedPool(server.url), { timeoutMs: 20_000 })
  await store.ready()
  let isOver = false
  let cuts = 0
  const cutting = (async () => {
    while (!isOver) {
      const { rowCount } = await admin.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE pid <> pg_backend_pid() AND backend_type = 'client backend' AND state = 'active'`,
      )
      cuts += rowCount!
      await delay(20)
    }
  })()
  const work = async () => {
    const id = newId()
    const leaseId = newLeaseId()
    expect(await store.claim(requestOf(id, leaseId))).toMatchObject({ status: 'acquired', attempt: 1 })
    expect(await store.renew(id, leaseId, 1000)).toBe('renewed')
    expect(await store.complete(id, leaseId, Buffer.from('done'))).toMatchObject({ status: 'completed' })
    expect(await store.get(id)).toMatchObject({ state: 'completed', attempts: 1 })
  }
  try {
    // A machine with nothing else to do may be done before the first cut.
    while (cuts < 5) await Promise.all(Array.from({ length: 400 }, work))
  } finally {
    isOver = true
  }
  await cutting
})

test('a restart of an idle server ends neither the process nor the store', async () => {
  // Whose owner does not listen for errors of idle clients.
  const pool = new Pool({ connectionString: server.url, max: 4, connectionTimeoutMillis: 1000 })
  const store = open(pool)
  await Promise.all([1, 2, 3].map(() => acquire(store, newId())))
  expect(pool.idleCount).toBeGreaterThan(0)
  await server.restart()
  await until('the pool to notice', () => pool.totalCount === 0)
  await acquire(store, newId())
  pool.on('error', () => {})
})

test.each(['stopped', 'cut off from us'])(
  'while a server is %s operations fail at their time limit, and work again afterwards',
  async how => {
    const pool = openTimedPool(how === 'stopped' ? server.url : proxy.url, 4)
    const store = open(pool, { timeoutMs: 400, listen: false })
    const id = newId()
    const leaseId = await acquire(store, id)
    if (how === 'stopped') server.pause()
    else proxy.hold()
    try {
      const claims = Array.from({ length: 300 }, () => store.claim(requestOf(newId(), newLeaseId())))
      const others = [store.renew(id, leaseId, 1000), store.get(id), store.ready(), store.list({ limit: 1 })]
      for (const time of await Promise.all([...claims, ...others].map(timeOf))) expect(time).toBeLessThan(IN_TIME_MS)
      // Later ones, which find no connection, are given up in time too.
      expect(await timeOf(store.claim(requestOf(newId(), newLeaseId())))).toBeLessThan(IN_TIME_MS)
    } finally {
      if (how === 'stopped') server.resume()
      else proxy.letGo()
    }
    await until('the store to be back', () => isReady(store))
    expect(await store.complete(id, leaseId, Buffer.from('done'))).toMatchObject({ status: 'completed' })
    await Promise.all(Array.from({ length: 20 }, () => acquire(store, newId())))
    expect(pool.totalCount).toBeLessThanOrEqual(4)
  },
)

test('connections to a slow server are kept, and operations retried', async () => {
  const pool = openTimedPool(proxy.url, 4)
  const store = open(pool, { timeoutMs: 2000, listen: false })
  await Promise.all(Array.from({ length: 20 }, () => acquire(store, newId())))
  const connections = pool.totalCount
  proxy.hold()
  const late = await Promise.allSettled(Array.from({ length: connections }, () => store.get(newId())))
  expect(late.filter(({ status }) => status === 'fulfilled')).toEqual([])
  proxy.letGo()
  await until('all to be free', () => pool.idleCount === pool.totalCount)
  expect(pool.totalCount).toBe(connections)
  await acquire(store, newId())
})

test('a store closes even if its server hangs', async () => {
  const store = postgresStore(proxy.url, { timeoutMs: 300 })
  await store.ready()
  proxy.hold()
  expect(await timeOf(store.close())).toBeLessThan(IN_TIME_MS)
})

test('without a server operations are retried until the time limit, and then refused', async () => {
  const own = await startPostgres()
  ends.push(own.stop)
  const store = open(openTimedPool(own.url), { timeoutMs: 1000 })
  const id = newId()
  await acquire(store, id)
  await own.stopImmediately()
  // Sent on a connection that nobody knows to be dead, the first may be in doubt.
  await expect(store.claim(requestOf(newId(), newLeaseId()))).rejects.toMatchObject({ code: 'ERR_STORE' })
  await expect(store.claim(requestOf(newId(), newLeaseId()))).rejects.toEqual(refused)
  await expect(store.ready()).rejects.toEqual(refused)
  await own.restart()
  await until('the store to be back', () => isReady(store))
  expect(await store.claim(requestOf(id, newLeaseId()))).toMatchObject({ status: 'running' })
})

test('a read-only server refuses', async () => {
  const store = open(openTimedPool(`${server.url}?options=-c%20default_transaction_read_only%3Don`), { timeoutMs: 300 })
  await expect(store.ready()).rejects.toEqual(refused)
  await expect(store.claim(requestOf(newId(), newLeaseId()))).rejects.toThrow('25006')
})

test('operations wait for a server that has no free connection', async () => {
  const own = await startPostgres({
    settings: { max_connections: '6', superuser_reserved_connections: '0', max_wal_senders: '0' },
  })
  ends.push(own.stop)
  const crowd = openTimedPool(own.url, 6)
  const store = open(openTimedPool(own.url))
  await store.ready()
  await admin.query('SELECT 1')
  const clients = await Promise.all([1, 2, 3, 4, 5].map(() => crowd.connect()))
  await Promise.all(Array.from({ length: 10 }, async () => store.get(newId()).catch(() => {})))
  setTimeout(() => {
    for (const client of clients) client.release(true)
  }, 200)
  await Promise.all(Array.from({ length: 10 }, () => acquire(store, newId())))
  await crowd.end()
})

test('a claim waits a bounded time for an uncommitted one of its key, and delays no other', async () => {
  const store = open(openTimedPool(server.url), { timeoutMs: 4000 })
  await store.ready()
  const id = newId()
  const other = await admin.connect()
  ends.push(() => other.release(true))
  await other.query('BEGIN')
  await other.query(
    `INSERT INTO hookonce.records (scope, key, state, attempts, losses, lease_id, fencing_token, created_at, claimed_at,
       lease_ends_at, expires_at, lock_ttl_ms, retention_ms)
     VALUES ($1, $2, 'running', 1, 0, 'other', 1, 0, 0, 0, 0, 0, 0)`,
    [id.scope, id.key],
  )
  let isStuck = true
  const stuck = store
    .claim(requestOf(id, newLeaseId()))
    .catch(error => error)
    .finally(() => {
      isStuck = false
    })
  await Promise.all(Array.from({ length: 50 }, () => acquire(store, newId())))
  expect(isStuck).toBe(true)
  expect(await stuck).toEqual(refused)
  const claim = store.claim(requestOf(id, newLeaseId()))
  await other.query('ROLLBACK')
  expect(await claim).toMatchObject({ status: 'acquired' } satisfies Partial<ClaimOutcome>)
})

test('an operation that fails does not fail the others of its batch', async () => {
  const store = open(openTimedPool(server.url), { timeoutMs: 20_000 })
  const wrong = store.claim(requestOf({ scope: 's', key: 'nul\0' }, newLeaseId()))
  const right = Array.from({ length: 5 }, () => acquire(store, newId()))
  await expect(wrong).rejects.toEqual(refused)
  await Promise.all(right)
})

test('the default isolation level of a database changes nothing', async () => {
  await admin.query(
    "CREATE ROLE strict LOGIN SUPERUSER; ALTER ROLE strict SET default_transaction_isolation = 'serializable'",
  )
  const store = open(openTimedPool(server.url.replace('postgres@', 'strict@')), { timeoutMs: 20_000 })
  const id = newId()
  const claims = await Promise.all(Array.from({ length: 30 }, () => store.claim(requestOf(id, newLeaseId()))))
  expect(claims.filter(({ status }) => status === 'acquired')).toHaveLength(1)
})
