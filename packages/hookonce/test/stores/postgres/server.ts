import { type PostgresStoreOptions, postgresStore } from 'hookonce/stores/postgres'
import type { Pool } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../../../scripts/test-servers/postgres.js'
import { TOOL_TIMEOUT_MS } from '../../../../../scripts/test-tools/index.js'
import { openPool } from './support.js'

/** One server for the tests of a file; each begins without the schema. */
export let server: PostgresServer
export let admin: Pool
/** What a test leaves open is ended after it, the last first. */
export const ends: (() => unknown)[] = []

beforeAll(async () => {
  server = await startPostgres()
  admin = openPool(server.url)
}, TOOL_TIMEOUT_MS)
beforeEach(() => admin.query('DROP SCHEMA IF EXISTS hookonce CASCADE'))
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})
afterAll(async () => {
  await admin?.end()
  await server?.stop()
})

export async function open(options: PostgresStoreOptions = {}, url = server.url) {
  const store = postgresStore(url, { purgeIntervalMs: 0, timeoutMs: 20_000, ...options })
  ends.push(() => store.close())
  await store.ready()
  return store
}
