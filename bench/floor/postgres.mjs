/**
 * Two named statements that commit by themselves, on a pool as large as the server's default: an INSERT that takes the
 * key and also reads what is there, so that a duplicate is one round trip; and an UPDATE. Same table, same indexes.
 */
import { postgresMigrations } from 'hookonce/stores/postgres'
import pg from 'pg'

const POOL_SIZE = 10

const TAKE = {
  name: 'take',
  rowMode: 'array',
  // The SELECT sees the table as it was before the INSERT.
  text: `
    WITH taken AS (
      INSERT INTO floor.records (scope, key, state, fingerprint, attempts, losses, lease_id, fencing_token, created_at,
        claimed_at, lease_ends_at, expires_at, lock_ttl_ms, retention_ms)
      VALUES ('default', $1, 'running', $2, 1, 0, $3, $4, $5, $5, $6, $7, 300000, 3600000)
      ON CONFLICT (scope, key) DO NOTHING RETURNING key
    )
    SELECT result FROM floor.records WHERE scope = 'default' AND key = $1`,
}
const KEEP = {
  name: 'keep',
  rowMode: 'array',
  text: `
    UPDATE floor.records SET state = 'completed', result = $1, settled_at = $2, expires_at = $3
    WHERE scope = 'default' AND key = $4 AND lease_id = $5`,
}

export async function open(url) {
  const pool = new pg.Pool({ connectionString: url, max: POOL_SIZE })
  await pool.query(['CREATE SCHEMA floor', ...postgresMigrations('floor')].join(';\n'))
  return {
    take: async (key, { fingerprint, leaseId }) => {
      const now = Date.now()
      const values = [key, fingerprint, leaseId, now * 1000, now, now + 15_000, now + 3_615_000]
      const { rows } = await pool.query({ ...TAKE, values })
      return rows[0]?.[0]
    },
    keep: (key, { leaseId }, result) => {
      const now = Date.now()
      return pool.query({ ...KEEP, values: [result, now, now + 3_600_000, key, leaseId] })
    },
  }
}
