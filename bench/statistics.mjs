/** How often clients asked a server, by the server's own statistics: `counted(work)` tells the calls by name. */
import pg from 'pg'

/** Commands that a script gives are listed too, each by its name. */
export function redisStatistics(server) {
  return {
    async counted(work) {
      await server.ask('CONFIG', 'RESETSTAT')
      await work()
      const lines = (await server.ask('INFO', 'commandstats')).matchAll(/cmdstat_(\S+?):calls=(\d+)/g)
      const calls = Object.fromEntries([...lines].map(([, name, times]) => [name, Number(times)]))
      delete calls['config|resetstat']
      return calls
    },
  }
}

/** What is counted costs a little, so it is counted only when asked. */
export async function postgresStatistics(url) {
  const pool = new pg.Pool({ connectionString: url, max: 1 })
  await pool.query('CREATE EXTENSION pg_stat_statements')
  const version = (await pool.query('SHOW server_version')).rows[0].server_version.split(' ')[0]

  /** In force for whoever asks something from now on. */
  async function track(what) {
    await pool.query(`ALTER SYSTEM SET pg_stat_statements.track = ${what}`)
    await pool.query('SELECT pg_reload_conf()')
  }
  await track('none')

  return {
    version,
    async counted(work) {
      await track('top')
      await pool.query('SELECT pg_stat_statements_reset()')
      await work()
      await track('none')
      const { rows } = await pool.query(`
        SELECT coalesce(substring(query FROM 'INSERT|UPDATE|DELETE'), split_part(query, ' ', 1)) AS name,
          sum(calls)::int AS calls
        FROM pg_stat_statements WHERE query !~ 'pg_stat_statements|pg_reload_conf' GROUP BY 1`)
      return Object.fromEntries(rows.map(({ name, calls }) => [name, calls]))
    },
    end: () => pool.end(),
  }
}
