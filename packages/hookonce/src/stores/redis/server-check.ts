import { ConfigurationError } from '../../errors.js'
import type { RedisNode } from './clients/client.js'
import { codeOf } from './errors.js'

const OLDEST = 7

type Info = ReadonlyMap<string, string>

/** The error for a client that knows only one of a Cluster's servers. */
export const WANTS_CLUSTER =
  "this server is one of a Redis Cluster's: name its nodes, { cluster: ['redis://host:6379'] }, or give a client for a Cluster"

/**
 * Refuses a server that is too old, that may evict records, or that is one of several of a Cluster while the client knows
 * no other.
 *
 * @throws {ConfigurationError}
 */
export async function checkServer(node: RedisNode, isCluster: boolean, allowEviction: boolean): Promise<void> {
  const info = await infoOf(node)
  if (!isCluster && info.get('cluster_enabled') === '1' && !(await hasAllSlots(node))) {
    throw new ConfigurationError(WANTS_CLUSTER)
  }
  const version = info.get('redis_version')
  if (version !== undefined && Number.parseInt(version, 10) < OLDEST) {
    throw new ConfigurationError(`the redis store needs Redis ${OLDEST} or Valkey 7.2, and this is Redis ${version}`)
  }
  if (allowEviction) return
  const policy = info.get('maxmemory_policy') ?? (await setting(node, 'maxmemory-policy'))
  if (policy === undefined) {
    throw new ConfigurationError(
      'the redis store cannot find out whether Redis may drop records: let its user run INFO, or set allowEviction',
    )
  }
  // Most records have a TTL in Redis, so the volatile-* policies evict them too.
  if (policy !== 'noeviction' && info.get('maxmemory') !== '0') {
    throw new ConfigurationError(
      `Redis may drop records, as its maxmemory-policy is ${policy}: set it to noeviction, or set allowEviction`,
    )
  }
}

/** False if the user may not run CLUSTER INFO. */
async function hasAllSlots(node: RedisNode): Promise<boolean> {
  const info = await node.call('CLUSTER', 'INFO').catch(() => '')
  return /^cluster_size:1\r?$/m.test(String(info))
}

/** Says in words what a crash or a failover may lose. */
export async function durabilityOf(node: RedisNode): Promise<string> {
  const info = await infoOf(node)
  const failover = Number(info.get('connected_slaves')) > 0 ? '; a failover may lose the last writes' : ''
  return `${await persistence(node, info)}${failover}`
}

async function persistence(node: RedisNode, info: Info): Promise<string> {
  if (info.get('aof_enabled') === '1') {
    switch (await setting(node, 'appendfsync')) {
      case 'always':
        return 'append-only file, flushed before each answer: a crash loses nothing'
      case 'everysec':
        return 'append-only file, flushed every second: a crash of its machine may lose the last two seconds'
      case 'no':
        return 'append-only file, flushed when the system does: a crash of its machine may lose half a minute'
      default:
        return 'append-only file: a crash of its machine may lose the last seconds'
    }
  }
  const save = await setting(node, 'save')
  if (save === '') return 'no persistence: a restart of Redis forgets every record'
  if (save === undefined) return 'no append-only file: a crash of Redis may lose every record'
  return 'snapshots only: a crash of Redis loses what came after the last one'
}

async function infoOf(node: RedisNode): Promise<Info> {
  const text = await node.call('INFO').catch(error => {
    // Without permission the checks go on with what they know.
    if (codeOf(error) === 'NOPERM') return ''
    throw error
  })
  return new Map(Array.from(String(text).matchAll(/^(\w+):(.*?)\r?$/gm), ([, name = '', value = '']) => [name, value]))
}

/** `undefined` if CONFIG is refused, as managed services do. */
async function setting(node: RedisNode, name: string): Promise<string | undefined> {
  const reply = await node.call('CONFIG', 'GET', name).catch(() => undefined)
  if (Array.isArray(reply)) return reply[1] === undefined ? undefined : String(reply[1])
  return reply instanceof Map ? reply.get(name) : (reply as Record<string, string> | undefined)?.[name]
}
