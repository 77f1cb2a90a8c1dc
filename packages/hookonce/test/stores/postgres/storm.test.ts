import { postgresStore } from 'hookonce/stores/postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../../../scripts/test-servers/postgres.js'
import { TOOL_TIMEOUT_MS } from '../../../../../scripts/test-tools/index.js'
import { commitStorm, type Way } from '../../support/commit-storm.js'
import { openPool } from './support.js'

const KILLS = Number(process.env.HOOKONCE_TEST_KILLS ?? 8)

/** For what the last who were killed had taken. */
const SETTLING_MS = 30_000

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres({ settings: { max_connections: '300' } })
}, TOOL_TIMEOUT_MS)
afterAll(() => server?.stop())

test.each<Way>(['claims', 'inbox'])(
  `%s: over ${KILLS} SIGKILLs and any number of takeovers, each key that was acknowledged has exactly one effect`,
  async way => {
    const admin = openPool(server.url, { max: 1 })
    await admin.query(`CREATE DATABASE ${way}`)
    await admin.end()
    const url = Object.assign(new URL(server.url), { pathname: way }).href
    const store = postgresStore(url, { purgeIntervalMs: 0 })
    await store.ready()
    await store.close()
    const ledger = openPool(url, { max: 1 })
    await ledger.query('CREATE TABLE ledger (effect text NOT NULL, lease_id text NOT NULL)')

    const unsettled = async () => {
      const unfinished =
        "SELECT count(*)::int AS records FROM hookonce.records WHERE scope = 'test' AND state <> 'completed'"
      return (await ledger.query(unfinished)).rows[0].records
    }
    const { acknowledged, statuses } = await commitStorm({
      ...{ kind: 'postgres', where: url, way, kills: KILLS, expected: /^$/ },
      settled: () => expect.poll(unsettled, { timeout: SETTLING_MS }).toBe(0),
    })

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
    expect(statuses.killed).toBeGreaterThan(0)
    if (way === 'claims') for (const fault of ['fenced', 'running']) expect(statuses[fault]).toBeGreaterThan(0)
  },
  60_000 + KILLS * 2_000,
)
