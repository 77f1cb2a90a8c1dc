import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { redisStore } from 'hookonce/stores/redis'
import { type StoreHarness, storeCases } from 'hookonce/testing/store'
import { Redis } from 'ioredis'
import { createClient, createCluster } from 'redis'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { type RedisServer, startRedis } from '../../../../../scripts/test-servers/redis.js'
import { type RedisCluster, startRedisCluster } from '../../../../../scripts/test-servers/redis-cluster.js'
import { TOOL_TIMEOUT_MS } from '../../../../../scripts/test-tools/index.js'

/** A machine that does other things too: patience, which is not what is tested. */
const options = { commandTimeoutMs: 20_000 }

let server: RedisServer
let cluster: RedisCluster
const ends: (() => unknown)[] = []

beforeAll(async () => {
  server = await startRedis({ appendfsync: 'always' })
  ends.push(server.stop)
  cluster = await startRedisCluster()
  ends.push(cluster.stop)
}, TOOL_TIMEOUT_MS)
afterAll(async () => {
  for (const end of ends.reverse()) await end()
})

/** A client that all stores are given, closed at the end. */
function shared<Client>(make: () => Client, close: (client: Client) => unknown): () => Client {
  let client: Client | undefined
  return () => {
    if (client === undefined) {
      const made = make()
      client = made
      ends.push(() => close(made))
    }
    return client
  }
}

const nodeRedis = shared(
  async () => {
    const client = createClient({ url: server.url })
    return client.on('error', () => {}).connect()
  },
  async client => (await client).destroy(),
)
const nodeRedisCluster = shared(
  () => createCluster({ rootNodes: cluster.urls.map(url => ({ url })) }).connect(),
  async client => (await client).destroy(),
)
const ioredis = shared(
  // As some applications have it; the store's own client, by URL, does without.
  () => new Redis(server.url, { enableAutoPipelining: true }),
  client => client.disconnect(),
)
const ioredisCluster = shared(
  () => new Redis.Cluster(cluster.urls),
  client => client.disconnect(),
)

const alone = { ownClock: true, inbox: true, groups: true, journal: true, push: true }
/** A Cluster orders no groups: see its own test. */
const inCluster = { ...alone, groups: false }

const harnesses: Record<string, StoreHarness> = {
  'by URL': {
    open: async () => redisStore(server.url, options),
    ...alone,
    // The files of a server that flushes each write are what a kill at this moment leaves.
    async afterCrash() {
      const folder = mkdtempSync(join(tmpdir(), 'hookonce-redis-crashed-'))
      cpSync(server.folder, folder, { recursive: true })
      const crashed = await startRedis({ appendfsync: 'always', folder })
      ends.push(() => rmSync(folder, { recursive: true }), crashed.stop)
      return redisStore(crashed.url, options)
    },
  },
  'by ioredis': { open: async () => redisStore(ioredis(), options), ...alone },
  'by node-redis': { open: async () => redisStore(await nodeRedis(), options), ...alone },
  'by the addresses of a Cluster': { open: async () => redisStore({ cluster: cluster.urls }, options), ...inCluster },
  'by ioredis, in a Cluster': { open: async () => redisStore(ioredisCluster(), options), ...inCluster },
  'by node-redis, in a Cluster': { open: async () => redisStore(await nodeRedisCluster(), options), ...inCluster },
}

for (const [how, harness] of Object.entries(harnesses)) {
  describe.concurrent(`redis store ${how}`, () => {
    for (const { name, needs, run } of storeCases) if (!needs) test(name, () => run(harness))
  })
}

// One by one: a case that needs something may set this process's clock.
for (const [how, harness] of Object.entries(harnesses)) {
  describe(`redis store ${how}`, () => {
    for (const { name, needs, run } of storeCases) if (needs && harness[needs]) test(name, () => run(harness))
  })
}
