import fc from 'fast-check'
import { postgresStore } from 'hookonce/stores/postgres'
import { afterAll, beforeAll, test } from 'vitest'
import { type PgBouncer, startPgBouncer } from '../../../../../scripts/test-servers/pgbouncer.js'
import { type PostgresServer, startPostgres } from '../../../../../scripts/test-servers/postgres.js'
import { TOOL_TIMEOUT_MS } from '../../../../../scripts/test-tools/index.js'
import { assertAgrees, commands, instantOrHour, realTime } from '../model.js'

let server: PostgresServer
let bouncer: PgBouncer
beforeAll(async () => {
  server = await startPostgres()
  bouncer = await startPgBouncer(server)
}, TOOL_TIMEOUT_MS)
afterAll(async () => {
  await bouncer?.stop()
  await server?.stop()
})

test.each([
  ['on a server', () => server.url],
  ['behind PgBouncer in transaction mode', () => bouncer.url],
])('the postgres store agrees with the model %s', async (_, url) => {
  const store = postgresStore(url(), { timeoutMs: 20_000 })
  const property = fc.asyncProperty(commands(instantOrHour), sequence => assertAgrees(store, sequence, realTime(store)))
  // Several at once: sequences of different keys share statements, as real traffic does.
  await Promise.all(Array.from({ length: 10 }, () => fc.assert(property, { numRuns: 12 })))
  await store.close()
})
