import pg from 'pg'
import { clockFinding, type Finding, fail, ok, warn } from './finding.js'

const SETTINGS = `
  select name, setting from pg_settings
  where name in ('synchronous_commit', 'fsync', 'full_page_writes', 'max_connections', 'server_version_num')`

const OLDEST = 130_000

/** Durability and connections of the server. Rejects if it cannot be reached. */
export async function postgresFindings(connectionString: string, poolSize: number): Promise<Finding[]> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 5_000, query_timeout: 5_000 })
  client.on('error', () => {}) // the failing query reports it
  await client.connect()
  try {
    const { rows } = await client.query<{ name: string; setting: string }>(SETTINGS)
    const settings = new Map(rows.map(({ name, setting }) => [name, setting]))
    const recovering = await client.query<{ recovering: boolean }>('select pg_is_in_recovery() as recovering')
    return [
      version(Number(settings.get('server_version_num'))),
      recovering.rows[0]!.recovering
        ? fail('role', 'this server is a standby: it takes no writes', 'connect to the primary')
        : ok('role', 'this server takes writes'),
      commits(settings.get('synchronous_commit') ?? ''),
      flushes(settings),
      room(Number(settings.get('max_connections')), poolSize),
      await clockFinding(async () => {
        const { rows } = await client.query<{ ms: string }>('select extract(epoch from clock_timestamp()) * 1000 as ms')
        return Number(rows[0]!.ms)
      }),
    ]
  } finally {
    await client.end()
  }
}

function version(number: number): Finding {
  const shown = `Postgres ${Math.floor(number / 10_000)}`
  return number >= OLDEST ? ok('version', shown) : fail('version', `${shown} is too old`, 'use Postgres 13 or later')
}

function commits(setting: string): Finding {
  return setting === 'off'
    ? warn(
        'synchronous_commit',
        'off: a crash of Postgres may lose results that were answered; their duplicates run again',
        'alter role … set synchronous_commit = on',
      )
    : ok('synchronous_commit', `${setting}: what is answered survives a crash`)
}

function flushes(settings: ReadonlyMap<string, string>): Finding {
  for (const name of ['fsync', 'full_page_writes']) {
    if (settings.get(name) === 'off') {
      return fail(name, 'off: a crash of its machine may destroy the database', `set ${name} = on in postgresql.conf`)
    }
  }
  return ok('fsync', 'what is committed is on disk')
}

function room(most: number, poolSize: number): Finding {
  return poolSize <= most / 2
    ? ok('connections', `${poolSize} of at most ${most} are this process'`)
    : warn(
        'connections',
        `a process may take ${poolSize} connections, and there are ${most}`,
        'lower HOOKONCE_POSTGRES_POOL_SIZE, raise max_connections, or use a pooler',
      )
}
