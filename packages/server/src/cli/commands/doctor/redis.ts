import type { RedisAddress } from 'hookonce/stores/redis'
import { Redis } from 'ioredis'
import { clockFinding, type Finding, fail, ok, warn } from './finding.js'

const OPTIONS = {
  lazyConnect: true,
  connectTimeout: 5_000,
  commandTimeout: 5_000,
  maxRetriesPerRequest: 0,
  retryStrategy: () => null,
}

/** Durability of each server. Rejects if one cannot be reached. */
export async function redisFindings(address: RedisAddress): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const [name, client] of clientsOf(address)) {
    try {
      await client.connect()
      for (const finding of await serverFindings(client)) {
        findings.push(name === undefined ? finding : { ...finding, message: `${name}: ${finding.message}` })
      }
    } finally {
      client.disconnect()
    }
  }
  return findings
}

function clientsOf(address: RedisAddress): [name: string | undefined, client: Redis][] {
  if (typeof address === 'string') return [[undefined, new Redis(address, OPTIONS)]]
  const { cluster, ...options } = address as { cluster?: readonly string[] }
  if (cluster === undefined) return [[undefined, new Redis({ ...OPTIONS, ...options })]]
  return cluster.map(url => [new URL(url).host, new Redis(url, { ...OPTIONS, ...options })])
}

async function serverFindings(client: Redis): Promise<Finding[]> {
  client.on('error', () => {}) // the failing command reports it
  const info = new Map(
    Array.from((await client.info()).matchAll(/^(\w+):(.*?)\r?$/gm), ([, name = '', value = '']) => [name, value]),
  )
  return [
    eviction(info.get('maxmemory_policy') ?? (await setting(client, 'maxmemory-policy')), info.get('maxmemory')),
    await persistence(client, info.get('aof_enabled') === '1'),
    replication(Number(info.get('connected_slaves') ?? 0), info.get('role')),
    await clockFinding(async () => {
      const [seconds, microseconds] = await client.time()
      return Number(seconds) * 1000 + Number(microseconds) / 1000
    }),
  ]
}

const UNKNOWN = 'not known'

/** Managed services refuse CONFIG. */
async function setting(client: Redis, name: string): Promise<string> {
  const reply = await client.config('GET', name).catch(() => [])
  return Array.isArray(reply) && reply[1] !== undefined ? String(reply[1]) : UNKNOWN
}

function eviction(policy: string, maxmemory: string | undefined): Finding {
  if (policy === 'noeviction') return ok('eviction', 'records are never dropped (noeviction)')
  if (policy === UNKNOWN) {
    return warn('eviction', 'the eviction policy cannot be read', 'check that maxmemory-policy is noeviction')
  }
  const fix = 'CONFIG SET maxmemory-policy noeviction, and in redis.conf'
  return maxmemory === '0'
    ? warn('eviction', `maxmemory-policy is ${policy}; without a maxmemory nothing is dropped yet`, fix)
    : fail('eviction', `records are dropped when Redis is full (${policy}): duplicates run again`, fix)
}

async function persistence(client: Redis, appendOnly: boolean): Promise<Finding> {
  const fix = 'set appendonly yes and appendfsync always (or everysec, if two seconds may be lost)'
  if (!appendOnly) {
    const save = await setting(client, 'save')
    if (save === UNKNOWN) return warn('persistence', 'there is no append-only file', fix)
    return save === ''
      ? fail('persistence', 'nothing is written to disk: a restart of Redis forgets every record', fix)
      : warn('persistence', 'snapshots only: a crash of Redis loses what came after the last one', fix)
  }
  const appendfsync = await setting(client, 'appendfsync')
  switch (appendfsync) {
    case 'always':
      return ok('persistence', 'append-only file, flushed before each answer')
    case 'everysec':
      return ok('persistence', 'append-only file, flushed every second: a crash of its machine may lose the last two')
    case UNKNOWN:
      return ok('persistence', 'append-only file; its appendfsync cannot be read')
    default:
      return warn('persistence', `append-only file, flushed when the system does (appendfsync ${appendfsync})`, fix)
  }
}

function replication(replicas: number, role: string | undefined): Finding {
  if (role !== undefined && role !== 'master') {
    return fail('replication', `this server is a ${role}: it takes no writes`, 'name the master, or its Sentinels')
  }
  return replicas === 0
    ? ok('replication', 'no replica')
    : ok('replication', `${replicas} replicas: a failover may lose the last writes (docs/reference/stores/redis.md)`)
}
