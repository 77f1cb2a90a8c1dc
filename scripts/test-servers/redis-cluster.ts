import { freePort } from './free-port.js'
import { type RedisOptions, type RedisServer, startRedis } from './redis.js'
import { untilRedisSays } from './redis-ask.js'

const SLOTS = 16_384

export interface RedisCluster {
  readonly urls: string[]
  readonly nodes: RedisServer[]
  stop(): Promise<void>
}

/** A Cluster of masters without replicas, all slots served. @throws {ToolMissingError} */
export async function startRedisCluster({
  masters = 3,
  appendfsync = 'off',
}: {
  masters?: number
  appendfsync?: NonNullable<RedisOptions['appendfsync']>
} = {}): Promise<RedisCluster> {
  const busPorts = await Promise.all(Array.from({ length: masters }, freePort))
  const nodes = await Promise.all(
    busPorts.map(busPort =>
      startRedis({
        appendfsync,
        settings: {
          'cluster-enabled': 'yes',
          'cluster-config-file': 'nodes.conf',
          'cluster-node-timeout': '2000',
          'cluster-port': String(busPort),
        },
      }),
    ),
  )
  for (const [i, node] of nodes.entries()) {
    const [from, to] = [i, i + 1].map(part => Math.floor((part * SLOTS) / masters))
    await node.ask('CLUSTER', 'SET-CONFIG-EPOCH', String(i + 1))
    await node.ask('CLUSTER', 'ADDSLOTSRANGE', String(from), String(to! - 1))
    await nodes[0]!.ask('CLUSTER', 'MEET', '127.0.0.1', String(node.port), String(busPorts[i]))
  }
  const formed = new RegExp(`cluster_state:ok[\\s\\S]*cluster_known_nodes:${masters}\\b`)
  for (const { port } of nodes) await untilRedisSays(port, formed, 'CLUSTER', 'INFO')
  return {
    urls: nodes.map(node => node.url),
    nodes,
    async stop() {
      await Promise.all(nodes.map(node => node.stop()))
    },
  }
}
