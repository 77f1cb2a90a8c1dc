import { Client } from 'pg'
import { beforeAll, describe, expect, test } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../../scripts/test-servers/postgres.js'
import { requireTool, TOOL_TIMEOUT_MS } from '../../../../scripts/test-tools/index.js'
import { deliver, isReplay, recordOf } from './support/deliver.js'
import { startLoad } from './support/load.js'
import { type ServerProcess, type Settings, startServer } from './support/server.js'
import { startServerName } from './support/server-name.js'
import { onCleanup, until } from './support/until.js'
import { startUpstream } from './support/upstream.js'

/** From the moment on at which names lead to the promoted server, on a machine that does other things. */
const BACK_WITHIN_MS = 20_000

beforeAll(() => requireTool('postgres'), TOOL_TIMEOUT_MS)

async function ask(server: PostgresServer, ...statements: string[]) {
  const client = new Client({ connectionString: server.url })
  client.on('error', () => {})
  await client.connect()
  try {
    let rows: Record<string, unknown>[] = []
    for (const statement of statements) ({ rows } = await client.query(statement))
    return rows
  } finally {
    await client.end()
  }
}

/** A primary whose commits wait for its replica. */
async function startPair() {
  const settings = { max_connections: '100', wal_keep_size: '256MB' }
  const primary = await startPostgres({ settings })
  onCleanup(() => primary.stop())
  const replica = await startPostgres({ settings, replicaOf: primary })
  onCleanup(() => replica.stop())
  await ask(primary, "ALTER SYSTEM SET synchronous_standby_names = '*'", 'SELECT pg_reload_conf()')
  const synced = async () =>
    (await ask(primary, "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'")).length === 1
  await until('the replica is waited for', synced)
  return { primary, replica }
}

type Pair = Awaited<ReturnType<typeof startPair>>

const WAYS = {
  'whose old connections stay open to a server that takes no writes any more': {
    kept: 'kept' as const,
    async demote({ primary, replica }: Pair) {
      replica.promote()
      await ask(primary, 'ALTER SYSTEM SET default_transaction_read_only = on', 'SELECT pg_reload_conf()')
    },
  },
  'whose old connections are cut, while the old server comes back and takes no writes': {
    kept: 'cut' as const,
    async demote({ primary, replica }: Pair) {
      await primary.kill()
      replica.promote()
      await primary.restart({ default_transaction_read_only: 'on' })
    },
  },
}

const listening = async (server: PostgresServer) =>
  (
    await ask(
      server,
      // From time to time it is asked whether the server takes writes.
      "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'LISTEN%' OR query = 'SHOW transaction_read_only'",
    )
  ).length

describe.for(Object.entries(WAYS))('a failover %s', { timeout: 120_000 }, ([, { kept, demote }]) => {
  async function failOver(pair: Pair, name: Awaited<ReturnType<typeof startServerName>>): Promise<number> {
    await demote(pair)
    name.turnTo(pair.replica.port, kept)
    return performance.now()
  }

  async function start(settings: (url: string) => Settings) {
    const pair = await startPair()
    const name = await startServerName(pair.primary.port)
    const given = settings(`postgres://postgres@127.0.0.1:${name.port}/postgres`)
    const servers = await Promise.all([startServer(given), startServer(given)])
    return { pair, name, servers }
  }

  /** How long it took until as many listened to the promoted server as before to the other. */
  async function heardAgain({ replica }: Pair, count: number, since: number): Promise<number> {
    await until('all listen to the promoted server', async () => (await listening(replica)) === count)
    return performance.now() - since
  }

  test('heals under load, and keeps what was acknowledged', async () => {
    const upstream = await startUpstream({ takes: () => 10 })
    const { pair, name, servers } = await start(url => ({
      HOOKONCE_STORE_URL: url,
      HOOKONCE_FORWARD_TO: upstream.url,
      HOOKONCE_LEASE_SECONDS: 3,
    }))
    const load = startLoad(servers, 'load', 4)
    const watches = watchAlways(servers)
    await until('deliveries are acknowledged', () => load.acknowledged.size > 200)
    const before = load.acknowledged.size
    const listeners = await listening(pair.primary)
    expect(listeners).toBeGreaterThan(0)

    const since = await failOver(pair, name)
    const healed = await Promise.all(
      servers.map((_, at) =>
        until('each server acknowledges again', () =>
          [...load.acknowledged].find(([key, entry]) => key.startsWith(`load-${at}-`) && entry.at > since),
        ),
      ),
    )
    const backMs = Math.max(...healed.map(([, entry]) => entry.at - since))
    const heardMs = await heardAgain(pair, listeners, since)
    await watches.stop()
    await load.stop()
    console.log(
      `${before} before, ${load.acknowledged.size} in all; back after ${backMs.toFixed()} ms, listening after ${heardMs.toFixed()} ms`,
    )
    expect(backMs).toBeLessThan(BACK_WITHIN_MS)
    expect(heardMs).toBeLessThan(BACK_WITHIN_MS)
    for (const [key, { body }] of load.acknowledged) {
      const replay = await deliver(servers[1]!, key)
      expect([replay.status, isReplay(replay), replay.body.equals(body)], key).toEqual([200, true, true])
    }
  })

  test.for(['with traffic', 'without traffic'])('the inbox goes on %s', async traffic => {
    const isOut = false
    const upstream = await startUpstream({ fails: () => isOut })
    const { pair, name, servers } = await start(url => ({
      HOOKONCE_STORE_URL: url,
      HOOKONCE_MODE: 'inbox',
      HOOKONCE_FORWARD_TO: upstream.url,
      HOOKONCE_LEASE_SECONDS: 3,
    }))
    const load = startLoad(servers, 'load', 4)
    await until('deliveries are acknowledged', () => load.acknowledged.size > 200)
    if (traffic === 'without traffic') {
      await load.stop()
      await until('all is worked on', () => upstream.calls.length >= load.acknowledged.size)
    }
    const listeners = await listening(pair.primary)
    expect(listeners).toBe(servers.length)
    const since = await failOver(pair, name)
    const calls = upstream.calls.length
    const heardMs = await heardAgain(pair, listeners, since)
    if (traffic === 'without traffic') {
      // Accepted by somebody else: who works on it has not asked for anything but what is due.
      await until('it is accepted', async () => (await deliver(servers[0]!, 'after')).status < 300)
    }
    await until('attempts go on', () => upstream.calls.length > calls)
    const backMs = upstream.calls[calls]!.startedAt - since
    await load.stop()
    console.log(
      `${traffic}: ${load.acknowledged.size} accepted; worked on after ${backMs.toFixed()} ms, listening after ${heardMs.toFixed()} ms`,
    )
    expect(heardMs).toBeLessThan(BACK_WITHIN_MS)
    if (traffic === 'with traffic') expect(backMs).toBeLessThan(BACK_WITHIN_MS)
    for (const key of load.acknowledged.keys()) {
      await until(`${key} is completed`, async () => (await recordOf(servers[1]!, key))?.state === 'completed')
    }
  })
})

/** Deliveries that come to all servers at once, one after the other: one runs, and the others watch. */
function watchAlways(servers: ServerProcess[]) {
  let going = true
  onCleanup(() => {
    going = false
  })
  const watching = (async () => {
    for (let number = 0; going; number++) {
      await Promise.all(servers.map(server => deliver(server, `watched-${number}`).catch(() => {})))
    }
  })()
  return {
    stop() {
      going = false
      return watching
    },
  }
}
