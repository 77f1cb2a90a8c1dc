import { ConfigurationError } from '../../errors.js'
import type { Connections } from './connections.js'
import type { Listener } from './listen.js'
import type { PostgresPool } from './pool.js'

/** A pool of the user, or of the store. */
export interface Source {
  pool(): Promise<PostgresPool>
  close(): Promise<void>
}

const ignore = () => {}

/** `close` leaves the user's pool open. */
export function givenPool(pool: PostgresPool): Source {
  // Without a listener an error of an idle client, e.g. at a restart of the server, would end the process.
  pool.on('error', ignore)
  return {
    pool: async () => pool,
    close: async () => {
      pool.removeListener('error', ignore)
    },
  }
}

/** `openingMs` is longer than an operation waits, so that a slow connection serves later operations. */
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
      // An idle store does not keep the process alive.
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

/** Opens the connection for LISTEN: to `url`, or one of the pool if it is `true`. */
export async function openListener(url: string | true, connections: Connections, by: number): Promise<Listener> {
  if (url === true) {
    const { client, destroy } = await connections.connect(by)
    // The caller listens for its end. An error without a listener would end the process.
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
