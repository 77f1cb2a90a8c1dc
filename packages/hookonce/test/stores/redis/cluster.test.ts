import { Redis } from 'ioredis'
import { createCluster } from 'redis'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type RedisCluster, startRedisCluster } from '../../../../../scripts/test-servers/redis-cluster.js'
import { TOOL_TIMEOUT_MS } from '../../../../../scripts/test-tools/index.js'
import { beginToMoveSlot } from './slot-move.js'
import { complete, eventually, insist, namesIn, open, request } from './support.js'

let cluster: RedisCluster
beforeAll(async () => {
  cluster = await startRedisCluster({ appendfsync: 'always' })
}, TOOL_TIMEOUT_MS)
afterAll(() => cluster?.stop())

const KEYS = Array.from({ length: 60 }, (_, i) => `key ${i}`)

const ways = {
  'by addresses': async ({ urls }: RedisCluster) => ({ cluster: urls }),
  'by ioredis': async ({ urls }: RedisCluster) => {
    const client = new Redis.Cluster(urls)
    client.on('error', () => {})
    onTestFinished(() => client.disconnect())
    return client
  },
  'by node-redis': async ({ urls }: RedisCluster) => {
    const client = createCluster({ rootNodes: urls.map(url => ({ url })) })
    await client.on('error', () => {}).connect()
    onTestFinished(() => client.destroy())
    return client
  },
}

test.for(Object.entries(ways))('after a kill and a restart of a node the store works again: %s', async ([how, way]) => {
  const store = open(await way(cluster), { commandTimeoutMs: 500, prefix: `${how}:` })
  await insist(() => store.ready())
  for (const key of KEYS) await insist(() => complete(store, key))
  for (const node of cluster.nodes) expect(namesIn(await node.ask('KEYS', `${how}:*:4:*`)).length).toBeGreaterThan(8)

  await cluster.nodes[1]!.kill()
  const duplicate = (key: string) => store.claim(request(key, { leaseId: 'another' }))
  const meanwhile = await Promise.allSettled(KEYS.map(duplicate))
  expect(meanwhile.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(0)
  await cluster.nodes[1]!.restart()
  for (const key of KEYS) expect(await insist(() => duplicate(key))).toMatchObject({ status: 'completed' })
  expect((await insist(() => store.list({ limit: 100 }))).records).toHaveLength(KEYS.length)
})

test('records are found while their slot moves, and afterwards', async () => {
  const store = open({ cluster: cluster.urls }, { prefix: 'moved:' })
  for (const key of KEYS) await complete(store, key)
  const allAreCompleted = async () => {
    for (const key of KEYS) {
      expect(await store.claim(request(key, { leaseId: 'another' }))).toMatchObject({ status: 'completed' })
    }
  }

  const { finish } = await beginToMoveSlot(cluster, 'moved:*:4:*')
  await allAreCompleted() // what is in the slot is on two servers
  await finish()
  await allAreCompleted()
})

test('data loss on one server of a Cluster is detected', async () => {
  let noticed = false
  const onForgotten = () => {
    noticed = true
  }
  const store = open({ cluster: cluster.urls }, { onForgotten })
  await store.ready()
  await cluster.nodes[1]!.ask('FLUSHALL')
  await eventually('the flush', () => noticed)
})
