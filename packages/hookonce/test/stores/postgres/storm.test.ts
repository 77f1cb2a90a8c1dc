import { postgresStore } from 'hookonce/stores/postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../../../scripts/test-servers/postgres.js'
import { TOOL_TIMEOUT_MS } from '../../../../../scripts/test-tools/index.js'
import { commitStorm } from '../../support/commit-storm.js'
import { openPool } from './support.js'

const KILLS = Number(process.env.HOOKONCE_TEST_KILLS ?? 8)

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres({ settings: { max_connections: '300' } })
}, TOOL_TIMEOUT_MS)
afterAll(() => server?.stop())

test(
  `over ${KILLS} SIGKILLs and any number of takeovers, each key that was acknowledged has exactly one effect`,
  async () => {
    const store = postgresStore(server.url, { purgeIntervalMs: 0 })
    await store.ready()
    await store.close()
    const ledger = openPool(server.url, { max: 1 })
    await ledger.query('CREATE TABLE ledger (effect text NOT NULL, lease_id text NOT NULL)')

    const { acknowledged, statuses } = await commitStorm('postgres', server.url, KILLS, /^$/)

    const { rows } = await ledger.query(
      `SELECT effect, string_agg(ledger.lease_id, ',') AS lease_ids, convert_from(result, 'UTF8') AS result, attempts
       FROM ledger LEFT JOIN hookonce.records ON scope = 'test' AND key = effect
       GROUP BY effect, result, attempts`,
    )
    await ledger.end()
    expect(rows.map(({ effect }) => effect).toSorted()).toEqual(acknowledged.toSorted())
    for (const { effect, lease_ids, result } of rows)
      expect({ effect, lease_ids }).toEqual({ effect, lease_ids: result })

    const takenOver = rows.filter(({ attempts }) => attempts > 1).length
    console.log(`${acknowledged.length} keys, ${takenOver} of them taken over, ${JSON.stringify(statuses)}`)
    expect(takenOver).toBeGreaterThan(0)
    for (const fault of ['fenced', 'killed', 'running']) expect(statuses[fault]).toBeGreaterThan(0)
  },
  60_000 + KILLS * 2_000,
)
