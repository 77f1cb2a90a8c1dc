import fc from 'fast-check'
import { type RedisStore, redisStore } from 'hookonce/stores/redis'
import { createClient } from 'redis'
import { afterAll, beforeAll, test } from 'vitest'
import { startRedis } from '../../../../../scripts/test-servers/redis.js'
import { startRedisCluster } from '../../../../../scripts/test-servers/redis-cluster.js'
import { TOOL_TIMEOUT_MS } from '../../../../../scripts/test-tools/index.js'
import { assertAgrees, commands, instantOrHour, realTime } from '../model.js'

const options = { commandTimeoutMs: 20_000 }
const stores: Record<string, RedisStore> = {}
const ends: (() => unknown)[] = []

beforeAll(async () => {
  const server = await startRedis()
  const cluster = await startRedisCluster()
  const client = await createClient({ url: server.url }).connect()
  ends.push(server.stop, cluster.stop, () => client.destroy())
  stores['by ioredis'] = redisStore(server.url, options)
  stores['by node-redis'] = redisStore(client, options)
  stores['in a Cluster'] = redisStore({ cluster: cluster.urls }, options)
}, TOOL_TIMEOUT_MS)
afterAll(async () => {
  for (const store of Object.values(stores)) await store.close()
  for (const end of ends.reverse()) await end()
})

test.for(['by ioredis', 'by node-redis', 'in a Cluster'])('the redis store agrees with the model: %s', async how => {
  const store = stores[how]!
  const property = fc.asyncProperty(commands(instantOrHour), sequence => assertAgrees(store, sequence, realTime(store)))
  // Several at once: sequences of different keys meet on one connection, as real traffic does.
  await Promise.all(Array.from({ length: 10 }, () => fc.assert(property, { numRuns: 25 })))
})
