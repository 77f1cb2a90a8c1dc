import { freePort } from './free-port.js'
import { type RedisOptions, type RedisServer, startRedis } from './redis.js'
import { untilRedisSays } from './redis-ask.js'

const SLOTS = 16_384

export interface RedisCluster {
  readonly urls: string[]
  /** The masters. */
  readonly nodes: RedisServer[]
  /** The replica of each master, where there are any, in step with it. */
  readonly replicas: RedisServer[]
  stop(): Promise<void>
}

/** A Cluster of masters, with or without a replica each, all slots served. @throws {ToolMissingError} */
export async function startRedisCluster({
  masters = 3,
  withReplicas = false,
  appendfsync = 'off',
}: {
  masters?: number
  withReplicas?: boolean
  appendfsync?: NonNullable<RedisOptions['appendfsync']>
} = {}): Promise<RedisCluster> {
  const all = withReplicas ? 2 * masters : masters
  const busPorts = await Promise.all(Array.from({ length: all }, freePort))
  const servers = await Promise.all(
    busPorts.map(busPort =>
      startRedis({
        appendfsync,
        settings: {
          'cluster-enabled': 'yes',
          'cluster-config-file': 'nodes.conf',
          'cluster-node-timeout': '2000',
          'cluster-port': String(busPort),
          'repl-diskless-sync-delay': '0',
        },
      }),
    ),
  )
  const [nodes, replicas] = [servers.slice(0, masters), servers.slice(masters)]
  for (const [i, node] of nodes.entries()) {
    const [from, to] = [i, i + 1].map(part => Math.floor((part * SLOTS) / masters))
    await node.ask('CLUSTER', 'SET-CONFIG-EPOCH', String(i + 1))
    await node.ask('CLUSTER', 'ADDSLOTSRANGE', String(from), String(to! - 1))
  }
  for (const [i, { port }] of servers.entries()) {
    await nodes[0]!.ask('CLUSTER', 'MEET', '127.0.0.1', String(port), String(busPorts[i]))
  }
  const formed = new RegExp(`cluster_state:ok[\\s\\S]*cluster_known_nodes:${all}\\b`)
  for (const { port } of servers) await untilRedisSays(port, formed, 'CLUSTER', 'INFO')
  for (const [i, replica] of replicas.entries()) {
    const [, master] = (await nodes[i]!.ask('CLUSTER', 'MYID')).split('\r\n')
    await replica.ask('CLUSTER', 'REPLICATE', master!)
    await untilRedisSays(replica.port, /master_link_status:up/, 'INFO', 'replication')
  }
  // Each has to know whose replica is whose, or nobody could be elected.
  const informed = new RegExp(`(slave[\\s\\S]*){${replicas.length}}`)
  for (const { port } of servers) await untilRedisSays(port, informed, 'CLUSTER', 'NODES')
  return {
    urls: nodes.map(node => node.url),
    nodes,
    replicas,
    async stop() {
      await Promise.all(servers.map(node => node.stop()))
    },
  }
}
