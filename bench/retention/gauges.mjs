/** What there is in a store, by its own means: what the contract tells leaves out what is expired. */
import { statSync } from 'node:fs'
import { createClient } from '@redis/client'
import pg from 'pg'

const GAUGES = {
  async sqlite({ store: { path } }) {
    const isOld = Number.parseInt(process.versions.node, 10) < 24
    const { DatabaseSync } = await import(isOld ? '@photostructure/sqlite' : 'node:sqlite')
    const db = new DatabaseSync(path, { readOnly: true, timeout: 10_000 })
    const look = db.prepare('SELECT count(*) AS records, min(expires_at) AS oldest FROM records')
    return {
      read() {
        const { records, oldest } = look.get()
        const bytes = [path, `${path}-wal`].reduce((sum, file) => sum + statSync(file).size, 0)
        return { records, bytes, expiredForSeconds: sinceSeconds(oldest) }
      },
      close: () => db.close(),
    }
  },

  async redis({ url }) {
    const client = await createClient({ url }).connect()
    const info = async (section, name) =>
      Number(new RegExp(`^${name}:(.*)\r$`, 'm').exec(await client.info(section))[1])
    return {
      read: async () => ({
        records: await client.dbSize(),
        bytes: await info('memory', 'used_memory'),
        expiredPercent: await info('stats', 'expired_stale_perc'),
      }),
      close: () => client.destroy(),
    }
  },

  async postgres({ url }) {
    const client = new pg.Client(url)
    await client.connect()
    return {
      async read() {
        const { rows } = await client.query(`
          SELECT count(*)::int AS records, min(expires_at)::float8 AS oldest,
            pg_total_relation_size('hookonce.records')::float8 AS bytes
          FROM hookonce.records WHERE scope <> 'hookonce ballast'`)
        const [{ records, oldest, bytes }] = rows
        return { records, bytes, expiredForSeconds: sinceSeconds(oldest) }
      },
      close: () => client.end(),
    }
  },
}

const sinceSeconds = time => Math.max(0, (Date.now() - time) / 1000)

export const openGauge = (kind, backend) => GAUGES[kind](backend)
