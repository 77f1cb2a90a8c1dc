import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import type { RedisServer } from '../../../../scripts/test-servers/redis.js'
import { startRedisCluster } from '../../../../scripts/test-servers/redis-cluster.js'
import { startRedisSentinels } from '../../../../scripts/test-servers/redis-sentinel.js'
import { requireTool, TOOL_TIMEOUT_MS } from '../../../../scripts/test-tools/index.js'
import { deliver, isReplay, recordOf } from './support/deliver.js'
import { type Load, startLoad } from './support/load.js'
import { type ServerProcess, type Settings, startServer, temporaryFolder } from './support/server.js'
import { onCleanup, until } from './support/until.js'
import { startUpstream } from './support/upstream.js'

/** From the moment on at which the replica is the master, on a machine that does other things. */
const BACK_WITHIN_MS = 15_000

beforeAll(() => requireTool('redis'), TOOL_TIMEOUT_MS)

interface Setup {
  /** `redis` in the config file. */
  address: object
  master: RedisServer
  replica: RedisServer
}

const SETUPS: Record<string, () => Promise<Setup>> = {
  async Sentinels() {
    const { name, sentinels, master, replica, stop } = await startRedisSentinels({ downAfterMs: 2_000 })
    onCleanup(stop)
    return { address: { name, sentinels }, master, replica }
  },
  async 'a Cluster'() {
    const { urls, nodes, replicas, stop } = await startRedisCluster({ withReplicas: true })
    onCleanup(stop)
    return { address: { cluster: urls }, master: nodes[1]!, replica: replicas[1]! }
  },
}

const STATES = {
  'in step with it': { isBehind: false },
  'behind it': { isBehind: true },
}

/** The replica gets nothing any more. */
async function cutReplication({ master, replica }: Setup): Promise<void> {
  await master.ask('ACL', 'SETUSER', 'default', '-psync', '-sync')
  await master.ask('CLIENT', 'KILL', 'TYPE', 'replica')
  await until('it is cut off', async () => /master_link_status:down/.test(await replica.ask('INFO', 'replication')))
}

const told = ({ log }: ServerProcess) => log.filter(({ msg }) => /^redis has forgotten/.test(msg))

describe.for(Object.entries(SETUPS))('with %s', { timeout: 120_000 }, ([, setUp]) => {
  async function start(settings: Settings) {
    const setup = await setUp()
    const config = join(temporaryFolder(), 'hookonce.config.mjs')
    writeFileSync(config, `export default ${JSON.stringify({ redis: setup.address })}`)
    const given = { HOOKONCE_REDIS_PREFIX: `${randomUUID()}:`, ...settings }
    const servers = await Promise.all([1, 2].map(() => startServer(given, { args: ['--config', config] })))
    const load = startLoad(servers, 'load', 4)
    await until('deliveries are acknowledged', () => load.acknowledged.size > 200)
    return { setup, servers, load }
  }

  /** Kills the master; gives back when the replica took over, and when everybody was served again, counted from then. */
  async function failOver(setup: Setup, load: Load, isBehind: boolean): Promise<{ electedMs: number; backMs: number }> {
    if (isBehind) {
      await cutReplication(setup)
      const { size } = load.acknowledged
      await until('more is acknowledged', () => load.acknowledged.size > size + 50)
    }
    const killedAt = performance.now()
    await setup.master.kill()
    await until('the replica takes over', async () => /master/.test(await setup.replica.ask('ROLE').catch(() => '')))
    const electedAt = performance.now()
    // Every sender is served: whatever its keys are, and whichever server it asks.
    const senders = new Set([...load.acknowledged.keys()].map(senderOf))
    await until('each sender is served again', () => {
      const served = [...load.acknowledged].filter(([, { at }]) => at > electedAt)
      return new Set(served.map(([key]) => senderOf(key))).size === senders.size && served.length > 200
    })
    const first = new Map<string, number>()
    for (const [key, { at }] of load.acknowledged) {
      if (at > electedAt && !first.has(senderOf(key))) first.set(senderOf(key), at)
    }
    return { electedMs: electedAt - killedAt, backMs: Math.max(...first.values()) - electedAt }
  }

  function report(
    what: string,
    { electedMs, backMs }: { electedMs: number; backMs: number },
    all: number,
    lost: number,
  ) {
    const times = `elected after ${electedMs.toFixed()} ms, all served ${backMs.toFixed()} ms later`
    console.log(`${what}: ${times}; ${lost} of ${all} acknowledged deliveries lost`)
  }

  /** What is lost is told once by everybody who had made something of it. Of others only a mark may be lost. */
  async function isTold(servers: ServerProcess[], lost: string[], isBehind: boolean): Promise<void> {
    for (const [at, server] of servers.entries()) {
      const isHit = lost.some(key => key.startsWith(`load-${at}-`))
      if (isBehind) expect(isHit).toBe(true)
      if (isHit) await until('it is told', () => told(server).length > 0)
      for (const { level, since } of told(server)) expect([level, typeof since]).toEqual(['error', 'string'])
      expect(told(server).length).toBeLessThanOrEqual(1)
    }
  }

  test.for(Object.entries(STATES))(
    'a master is killed, its replica %s: deliveries are answered again',
    async ([state, { isBehind }]) => {
      const upstream = await startUpstream()
      const { setup, servers, load } = await start({ HOOKONCE_FORWARD_TO: upstream.url, HOOKONCE_LEASE_SECONDS: 3 })
      const times = await failOver(setup, load, isBehind)
      await load.stop()
      const lost: string[] = []
      for (const [key, { body }] of load.acknowledged) {
        if ((await recordOf(servers[0]!, key)) === undefined) lost.push(key)
        else {
          const again = await deliver(servers[1]!, key)
          // Where the claim has reached the replica and the result has not, it runs again.
          expect(again.body.equals(body) ? isReplay(again) : upstream.callsOf(key).length > 1, key).toBe(true)
        }
      }
      report(`answered, ${state}`, times, load.acknowledged.size, lost.length)
      await isTold(servers, lost, isBehind)
      expect(times.backMs).toBeLessThan(BACK_WITHIN_MS)
    },
  )

  test.for(Object.entries(STATES))(
    'a master is killed, its replica %s: the inbox goes on',
    async ([state, { isBehind }]) => {
      const upstream = await startUpstream()
      const { setup, servers, load } = await start({
        HOOKONCE_MODE: 'inbox',
        HOOKONCE_FORWARD_TO: upstream.url,
        HOOKONCE_LEASE_SECONDS: 3,
      })
      const times = await failOver(setup, load, isBehind)
      await load.stop()
      const lost: string[] = []
      for (const key of load.acknowledged.keys()) {
        const isDone = async () => {
          const record = await recordOf(servers[0]!, key)
          return record === undefined ? 'lost' : record.state === 'completed' && 'completed'
        }
        if ((await until(`${key} is worked on`, isDone)) === 'lost') lost.push(key)
      }
      report(`inbox, ${state}`, times, load.acknowledged.size, lost.length)
      await isTold(servers, lost, isBehind)
      expect(times.backMs).toBeLessThan(BACK_WITHIN_MS)
    },
  )
})

const senderOf = (key: string) => key.slice(0, key.lastIndexOf('-'))
