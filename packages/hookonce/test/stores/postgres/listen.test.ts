import type { RecordId } from 'hookonce'
import { type PostgresStoreOptions, postgresStore } from 'hookonce/stores/postgres'
import type { Pool } from 'pg'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type PgBouncer, startPgBouncer } from '../../../../../scripts/test-servers/pgbouncer.js'
import { type PostgresServer, startPostgres } from '../../../../../scripts/test-servers/postgres.js'
import { TOOL_TIMEOUT_MS } from '../../../../../scripts/test-tools/index.js'
import { acquire, newId, openPool, until } from './support.js'

let server: PostgresServer
let bouncer: PgBouncer
let admin: Pool
const ends: (() => unknown)[] = []

beforeAll(async () => {
  server = await startPostgres()
  bouncer = await startPgBouncer(server)
  admin = openPool(server.url)
}, TOOL_TIMEOUT_MS)
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})
afterAll(async () => {
  await admin?.end()
  await bouncer?.stop()
  await server?.stop()
})

function open(url: string, options: PostgresStoreOptions = {}) {
  const store = postgresStore(url, { purgeIntervalMs: 0, timeoutMs: 20_000, ...options })
  ends.push(() => store.close())
  return store
}

function watching(store: ReturnType<typeof open>, id: RecordId) {
  const watch = { wakes: 0, end: () => {} }
  watch.end = store.watch!(id, () => watch.wakes++)
  return watch
}

const places: [string, () => ReturnType<typeof open>][] = [
  ['on a connection of the pool', () => open(server.url)],
  ['on a direct connection, past PgBouncer', () => open(bouncer.url, { listen: server.url })],
]

test.each(places)('a watch wakes once it listens, and then at every end of an attempt: %s', async (_, openHere) => {
  const [watcher, worker] = [openHere(), openHere()]
  const [one, other] = [newId(), newId()]
  const leaseId = await acquire(worker, one)
  const otherLeaseId = await acquire(worker, other)
  const watch = watching(watcher, one)
  expect(watch.wakes).toBe(0)
  await until('the first wake', () => watch.wakes === 1)

  expect(await worker.renew(one, leaseId, 1000)).toBe('renewed')
  await worker.complete(other, otherLeaseId, Buffer.from('done'))
  await worker.fail(one, leaseId, 'it broke')
  await until('the failure', () => watch.wakes === 2)
  const next = await acquire(worker, one)
  await worker.complete(one, next, Buffer.from('done'))
  await until('the completion', () => watch.wakes === 3)
  await worker.delete(one)
  await until('the deletion', () => watch.wakes === 4)

  const last = await acquire(worker, one)
  watch.end()
  watch.end()
  const second = watching(watcher, one)
  await until('the first wake of another watch', () => second.wakes === 1)
  await worker.transact(one, last, async () => Buffer.from('done'))
  await until('the end of a transaction', () => second.wakes === 2)
  expect(watch.wakes).toBe(4)
})

test('a record without a watch notifies nobody', async () => {
  const worker = open(server.url)
  const heard: unknown[] = []
  const client = await admin.connect()
  ends.push(() => client.release(true))
  client.on('notification', message => heard.push(message.payload))
  await client.query('LISTEN """hookonce"".records"')
  const [watched, unwatched] = [newId(), newId()]
  for (const id of [unwatched, watched]) {
    const leaseId = await acquire(worker, id)
    if (id === watched) {
      const watch = watching(worker, id)
      await until('the watch', () => watch.wakes === 1)
    }
    await worker.complete(id, leaseId, Buffer.from('done'))
  }
  await until('a notification', () => heard.length > 0)
  expect(heard).toEqual([JSON.stringify([watched.scope, watched.key]).replace(',', ', ')])
})

test('many watches share one connection, and each is woken', async () => {
  const [watcher, worker] = [open(server.url), open(server.url)]
  const ids = Array.from({ length: 300 }, newId)
  const leaseIds = await Promise.all(ids.map(id => acquire(worker, id)))
  const watches = ids.map(id => watching(watcher, id))
  await until('the first wakes', () => watches.every(watch => watch.wakes === 1))
  await Promise.all(ids.map((id, i) => worker.complete(id, leaseIds[i]!, Buffer.from('done'))))
  await until('the completions', () => watches.every(watch => watch.wakes === 2))
  const listening = () => admin.query("SELECT 1 FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
  // The other client that ever listened here has been released for good, and ends soon.
  await until('one connection to listen', async () => (await listening()).rowCount === 1)
})

test('a watch is woken after its connection was lost, and again at later changes', async () => {
  const [watcher, worker] = [open(server.url), open(server.url)]
  const id = newId()
  const leaseId = await acquire(worker, id)
  const watch = watching(watcher, id)
  await until('the first wake', () => watch.wakes === 1)
  await admin.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
  await until('the wake after the loss', () => watch.wakes === 2)
  await worker.complete(id, leaseId, Buffer.from('done'))
  await until('the completion', () => watch.wakes === 3)

  await server.restart()
  await until('the wake after the restart', () => watch.wakes === 4)
  await worker.delete(id)
  await until('the deletion', () => watch.wakes === 5)
})

test('a watch without a server does not throw, and wakes once there is one', async () => {
  const own = await startPostgres()
  ends.push(own.stop)
  const store = open(own.url, { timeoutMs: 300 })
  await own.stopImmediately()
  const watch = watching(store, newId())
  await own.restart()
  await until('the first wake', () => watch.wakes === 1)
})

test('a store that does not listen offers no watch', () => {
  expect(open(server.url, { listen: false }).watch).toBeUndefined()
})

test('a closed store wakes nobody and leaves no connection', async () => {
  const [watcher, worker] = [open(server.url), open(server.url)]
  const id = newId()
  const leaseId = await acquire(worker, id)
  const watch = watching(watcher, id)
  await until('the first wake', () => watch.wakes === 1)
  await watcher.close()
  await worker.complete(id, leaseId, Buffer.from('done'))
  const listening = () => admin.query("SELECT 1 FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
  await until('its connection to end', async () => (await listening()).rowCount === 0)
  expect(watch.wakes).toBe(1)
  watch.end()
})
