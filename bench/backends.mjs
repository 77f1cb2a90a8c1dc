/** What the stores write to: files in a folder, and real servers that are started here and end with this process. */
import { join } from 'node:path'
import { createJiti } from 'jiti'
import { postgresStatistics, redisStatistics } from './statistics.mjs'

// The tests' servers are written in TypeScript, and Node 20 needs help with that.
const typescript = createJiti(import.meta.url)

/** Databases of one Redis. */
const MOST_STORES = 256

/**
 * By kind. `url` is the store's for the server and `store` the same for whoever opens it beside the server, where that can be;
 * `floorAddress` the floor's; `storeAt(name)` where a store of its own is for each name; `statistics` count what clients ask.
 */
export const BACKENDS = {
  sqlite: async folder => ({
    about: 'SQLite: synchronous=FULL',
    url: `sqlite:${join(folder, 'hookonce.db')}`,
    store: { path: join(folder, 'hookonce.db') },
    floorAddress: join(folder, 'floor.db'),
    storeAt: name => ({ path: join(folder, `${name}.db`) }),
    stop: async () => {},
  }),

  memory: async () => ({
    about: 'memory',
    url: 'memory:',
    floorAddress: '',
    storeAt: () => ({}),
    stop: async () => {},
  }),

  redis: async () => {
    const { startRedis } = await typescript.import('../scripts/test-servers/redis.ts')
    // No rewriting of the log: it would fall into one measurement and not into the other.
    const settings = { 'auto-aof-rewrite-percentage': '0', databases: String(MOST_STORES) }
    const server = await startRedis({ appendfsync: 'everysec', settings })
    let lastDatabase = 0
    const version = /redis_version:(\S+)/.exec(await server.ask('INFO', 'server'))[1]
    return {
      about: `Redis ${version}: appendfsync=everysec`,
      url: server.url,
      store: { url: server.url },
      floorAddress: server.url,
      storeAt: () => ({ url: `${server.url}/${++lastDatabase}` }),
      statistics: redisStatistics(server),
      /** From now on nobody can subscribe. */
      cutPush: () => server.ask('ACL', 'SETUSER', 'default', '-subscribe'),
      stop: () => server.stop(),
    }
  },

  postgres: async () => {
    const { startPostgres } = await typescript.import('../scripts/test-servers/postgres.ts')
    const settings = { shared_preload_libraries: 'pg_stat_statements' }
    const server = await startPostgres({ fsync: true, settings })
    const statistics = await postgresStatistics(server.url)
    return {
      about: `Postgres ${statistics.version}: fsync=on, synchronous_commit=on`,
      url: server.url,
      store: { url: server.url },
      floorAddress: server.url,
      storeAt: schema => ({ url: server.url, schema }),
      statistics,
      stop: async () => {
        await statistics.end()
        await server.stop()
      },
    }
  },
}
