import { ConfigurationError } from '../../errors.js'
import type { Connections } from './connections.js'
import type { Listener } from './listen.js'
import type { PostgresPool } from './pool.js'

/** Where clients come from: the user's pool, or one of the store's own. */
export interface Source {
  pool(): Promise<PostgresPool>
  close(): Promise<void>
}

const ignore = () => {}

/** The user's own pool, which stays open. */
export function givenPool(pool: PostgresPool): Source {
  // A pool without a listener for errors of idle clients ends the process with the first restart of the server.
  pool.on('error', ignore)
  return {
    pool: async () => pool,
    close: async () => {
      pool.removeListener('error', ignore)
    },
  }
}

/** A pool of the store's own. Whoever waits for a connection no longer leaves it to those who come. */
export function ownPool(url: string, max: number, openingMs: number): Source {
  let pool: Promise<PostgresPool> | undefined

  async function open(): Promise<PostgresPool> {
    const { Pool } = await importPg()
    const opened = new Pool({
      connectionString: url,
      max,
      connectionTimeoutMillis: openingMs,
      keepAlive: true,
      fallback_application_name: 'hookonce',
      // A store with nothing to do does not keep the process alive.
      allowExitOnIdle: true,
    })
    opened.on('error', ignore)
    return opened as PostgresPool
  }

  return {
    pool() {
      pool ??= open()
      return pool
    },
    async close() {
      await (await pool?.catch(ignore))?.end()
    },
  }
}

/** A connection to listen on: a direct one, or one of the pool's. */
export async function openListener(url: string | true, connections: Connections, by: number): Promise<Listener> {
  if (url === true) {
    const { client, destroy } = await connections.connect(by)
    // Its end is heard of by its owner, and an error after it by nobody.
    client.on('error', ignore)
    return { client, end: destroy }
  }
  const { Client } = await importPg()
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: Math.max(1, Math.ceil(by - performance.now())),
    keepAlive: true,
    fallback_application_name: 'hookonce listener',
  })
  client.on('error', ignore)
  await client.connect()
  return { client, end: () => void client.end().catch(ignore) }
}

async function importPg() {
  try {
    return await import('pg')
  } catch (error) {
    throw new ConfigurationError(
      `postgresStore with a URL needs the package pg: npm install pg (${(error as Error).message})`,
    )
  }
}
