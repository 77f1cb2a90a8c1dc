import { join } from 'node:path'
import { expect, test } from 'vitest'
import { commitStorm, type Way } from '../../support/commit-storm.js'
import { connect, open, temporaryFolder } from './support.js'

const KILLS = Number(process.env.HOOKONCE_TEST_KILLS ?? 8)
/** For what the last who were killed had taken. */
const SETTLING_MS = 30_000

test.each<Way>(['claims', 'inbox'])(
  `%s: over ${KILLS} SIGKILLs and any number of takeovers, each key that was acknowledged has exactly one effect`,
  async way => {
    const path = join(temporaryFolder(), 'hookonce.db')
    await open(path).ready()
    const db = await connect(path)
    db.exec('CREATE TABLE ledger (effect TEXT NOT NULL, lease_id TEXT NOT NULL)')

    const unsettled = db.prepare("SELECT count(*) AS records FROM records WHERE state <> 'completed'")
    const { acknowledged, statuses } = await commitStorm({
      ...{ kind: 'sqlite', where: path, way, kills: KILLS, expected: /locked by another process/ },
      settled: () => expect.poll(() => unsettled.get()!.records, { timeout: SETTLING_MS }).toBe(0),
    })

    const effects = db
      .prepare(
        `SELECT effect, group_concat(ledger.lease_id) AS lease_ids, records.lease_id, state, attempts
         FROM ledger LEFT JOIN records ON scope = 'test' AND key = effect GROUP BY effect`,
      )
      .all()
    expect(effects.map(({ effect }) => effect).toSorted()).toEqual(acknowledged.toSorted())
    for (const { effect, lease_ids, lease_id, state } of effects) {
      expect({ effect, lease_ids, state }).toEqual({ effect, lease_ids: lease_id, state: 'completed' })
    }
    expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' })

    const takenOver = effects.filter(({ attempts }) => attempts > 1).length
    console.log(`${acknowledged.length} keys, ${takenOver} of them taken over, ${JSON.stringify(statuses)}`)
    expect(takenOver).toBeGreaterThan(0)
    expect(statuses.killed).toBeGreaterThan(0)
    if (way === 'claims') for (const fault of ['fenced', 'running']) expect(statuses[fault]).toBeGreaterThan(0)
  },
  60_000 + KILLS * 2_000,
)
