import { type PostgresStoreOptions, postgresStore } from 'hookonce/stores/postgres'
import { type Effects, type StoreHarness, storeCases } from 'hookonce/testing/store'
import type { Pool, PoolClient } from 'pg'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { type PgBouncer, startPgBouncer } from '../../../../../scripts/test-servers/pgbouncer.js'
import { type PostgresServer, startPostgres } from '../../../../../scripts/test-servers/postgres.js'
import { TOOL_TIMEOUT_MS } from '../../../../../scripts/test-tools/index.js'
import { openPool } from './support.js'

/** A machine that does other things too: patience, which is not what is tested. */
const patient = { timeoutMs: 20_000, purgeIntervalMs: 0 }

let server: PostgresServer
let bouncer: PgBouncer
let ledger: Pool

beforeAll(async () => {
  server = await startPostgres({ settings: { max_connections: '300' } })
  bouncer = await startPgBouncer(server)
  ledger = openPool(server.url)
  await ledger.query('CREATE TABLE effects (id text NOT NULL)')
}, TOOL_TIMEOUT_MS)
afterAll(async () => {
  await ledger?.end()
  await bouncer?.stop()
  await server?.stop()
})

const transactions: Effects = {
  write: async (tx, id) => void (await (tx as PoolClient).query('INSERT INTO effects VALUES ($1)', [id])),
  async count(id) {
    const { rows } = await ledger.query('SELECT count(*)::int AS count FROM effects WHERE id = $1', [id])
    return rows[0].count
  },
}

function harness(url: () => string, options: PostgresStoreOptions = {}): StoreHarness {
  return {
    open: async () => postgresStore(url(), { ...patient, poolSize: 5, ...options }),
    ownClock: true,
    transactions,
    waitingWork: true,
    inbox: true,
    groups: true,
    journal: true,
  }
}

/** Each case has its own server to crash. */
async function crashing(run: (harness: StoreHarness) => Promise<void>): Promise<void> {
  const own = await startPostgres()
  try {
    await run({
      open: async () => postgresStore(own.url, patient),
      afterCrash: async () => {
        await own.kill()
        await own.restart()
        return postgresStore(own.url, patient)
      },
    })
  } finally {
    await own.stop()
  }
}

const harnesses: Record<string, StoreHarness> = {
  'on a server': { ...harness(() => server.url), push: true },
  'behind PgBouncer in transaction mode': harness(() => bouncer.url, { schema: 'bounced' }),
}

describe.each(Object.keys(harnesses))('postgres store %s', { concurrent: true }, place => {
  const shared = harnesses[place]!
  for (const { name, needs, run } of storeCases) {
    if (needs === 'afterCrash') test(name, () => crashing(run))
    else if (!needs || shared[needs]) test(name, () => run(shared))
  }
})
