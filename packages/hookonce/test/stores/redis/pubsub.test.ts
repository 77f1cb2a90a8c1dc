import type { Store } from 'hookonce'
import { Redis } from 'ioredis'
import { createClient, createCluster } from 'redis'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type RedisServer, startRedis } from '../../../../../scripts/test-servers/redis.js'
import { type RedisCluster, startRedisCluster } from '../../../../../scripts/test-servers/redis-cluster.js'
import { TOOL_TIMEOUT_MS } from '../../../../../scripts/test-tools/index.js'
import { complete, eventually, insist, open, request, server as startServer } from './support.js'

let server: RedisServer
let cluster: RedisCluster
beforeAll(async () => {
  server = await startRedis()
  cluster = await startRedisCluster()
}, TOOL_TIMEOUT_MS)
afterAll(async () => {
  await server?.stop()
  await cluster?.stop()
})

const ways = {
  'by URL': async () => server.url,
  'by ioredis': async () => {
    const client = new Redis(server.url)
    onTestFinished(() => client.disconnect())
    return client
  },
  'by node-redis': async () => {
    const client = await createClient({ url: server.url }).connect()
    onTestFinished(() => client.destroy())
    return client
  },
  'by ioredis, in a Cluster': async () => {
    const client = new Redis.Cluster(cluster.urls)
    onTestFinished(() => client.disconnect())
    return client
  },
  'by node-redis, in a Cluster': async () => {
    const client = await createCluster({ rootNodes: cluster.urls.map(url => ({ url })) }).connect()
    onTestFinished(() => client.destroy())
    return client
  },
}

/** A watch that counts how often it was woken, and waits for the next time. */
function watch(store: Store, key: string) {
  let woken = 0
  const end = store.watch!(request(key), () => {
    woken++
  })
  onTestFinished(end)
  return {
    end,
    get woken() {
      return woken
    },
    until: (times: number) => eventually(`wake ${times} of ${key}`, () => woken >= times),
  }
}

describe.for(Object.entries(ways))('%s', ([how, way]) => {
  const key = (name: string) => `${name} ${how}`

  test('a watch wakes once it is subscribed, and then at a completion by another client', async () => {
    const [watching, working] = [open(await way()), open(await way())]
    const one = key('one')
    await working.claim(request(one))
    const seen = watch(watching, one)
    await seen.until(1)
    await working.complete(request(one), `lease of ${one}`, Buffer.from('result'))
    await seen.until(2)
    expect(seen.woken).toBe(2)
  })

  test('failures and deletions wake too, and the watch goes on over a takeover and a new claim', async () => {
    const [watching, working] = [open(await way()), open(await way())]
    const one = key('many')
    await working.claim(request(one, { leaseMs: 1 }))
    const seen = watch(watching, one)
    await seen.until(1)
    await eventually('a takeover', async () => {
      const outcome = await working.claim(request(one, { leaseId: 'b' }))
      return outcome.status === 'acquired'
    })
    await working.fail(request(one), 'b', 'it broke')
    await seen.until(2)
    await working.claim(request(one, { leaseId: 'c' }))
    await working.delete(request(one), { force: true })
    await seen.until(3)
    await complete(working, one)
    await seen.until(4)
    expect(seen.woken).toBe(4)
  })

  test('an absent record can be watched, and stays absent', async () => {
    const [watching, working] = [open(await way()), open(await way())]
    const one = key('absent')
    const seen = watch(watching, one)
    await seen.until(1)
    expect(await working.get(request(one))).toBeUndefined()
    expect(await working.list({ scope: 'test', limit: 1000 })).toMatchObject({
      records: expect.not.arrayContaining([expect.objectContaining({ key: one })]),
    })
    expect(await working.delete(request(one))).toBe('absent')
    await complete(working, one)
    await seen.until(2)
  })

  test('a watch whose connection was lost wakes once it is subscribed again', async () => {
    const [watching, working] = [open(await way()), open(await way())]
    const one = key('cut')
    await working.claim(request(one))
    const seen = watch(watching, one)
    await seen.until(1)
    for (const { ask } of [server, ...cluster.nodes]) await ask('CLIENT', 'KILL', 'TYPE', 'pubsub')
    await seen.until(2)
    await working.complete(request(one), `lease of ${one}`, Buffer.from('result'))
    await seen.until(3)
  })
})

test('each watch of a record is woken, also one that begins later; one that ended is not', async () => {
  const [watching, working] = [open(server.url), open(server.url)]
  await working.claim(request('several'))
  const [first, second] = [watch(watching, 'several'), watch(watching, 'several')]
  await first.until(1)
  await second.until(1)
  const third = watch(watching, 'several')
  await third.until(1)
  first.end()
  first.end()
  await working.complete(request('several'), 'lease of several', Buffer.from('result'))
  await second.until(2)
  await third.until(2)
  expect(first.woken).toBe(1)
})

test('a record whose watches have ended can be watched again', async () => {
  const [watching, working] = [open(server.url), open(server.url)]
  await working.claim(request('again'))
  const first = watch(watching, 'again')
  await first.until(1)
  first.end()
  const second = watch(watching, 'again')
  await second.until(1)
  await working.complete(request('again'), 'lease of again', Buffer.from('result'))
  await second.until(2)
})

test('a record without a watch publishes nothing', async () => {
  const redis = await startServer()
  const [watching, working] = [open(redis.url), open(redis.url)]
  await watch(watching, 'watched').until(1)
  await complete(working, 'unwatched')
  expect(await redis.ask('INFO', 'commandstats')).not.toContain('cmdstat_publish')
  await complete(working, 'watched')
  expect(await redis.ask('INFO', 'commandstats')).toContain('cmdstat_publish:calls=1,')
})

test('a watch that begins without a server wakes once there is one', async () => {
  const redis = await startServer({ appendfsync: 'always' })
  const watching = open(redis.url, { commandTimeoutMs: 500 })
  await insist(() => complete(watching, 'before'))
  await redis.kill()
  const seen = watch(watching, 'later')
  await expect(watching.claim(request('later'))).rejects.toThrow()
  expect(seen.woken).toBe(0)
  await redis.restart()
  await seen.until(1)
})

test('a connection for watching is made with the first watch, and ends with the store', async () => {
  const redis = await startServer()
  const store = open(redis.url)
  const count = async () => (await redis.ask('CLIENT', 'LIST', 'TYPE', 'pubsub')).split('sub=1').length - 1
  await complete(store, 'one')
  expect(await count()).toBe(0)
  await watch(store, 'one').until(1)
  expect(await count()).toBe(1)
  await store.close()
  await eventually('its end', async () => (await count()) === 0)
})
