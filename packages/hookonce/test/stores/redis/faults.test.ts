import { setTimeout as delay } from 'node:timers/promises'
import { StoreError } from 'hookonce'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { RedisServer } from '../../../../../scripts/test-servers/redis.js'
import { startProxy } from './proxy.js'
import { complete, eventually, HOUR, insist, open, request, server } from './support.js'

/** Far above the time limit, for a machine that does other things; far below a wait for the server. */
const IN_TIME_MS = 8_000

const effectOf = (question: Promise<unknown>) =>
  question.then(
    () => 'none',
    error => (error as StoreError).effect,
  )

/** The ways to a server that the store has to get over a fault by itself. */
const ways = {
  'by URL': async (url: string) => url,
  'by ioredis': async (url: string) => {
    const client = new Redis(url)
    client.on('error', () => {})
    onTestFinished(() => client.disconnect())
    return client
  },
  'by node-redis': async (url: string) => {
    const client = createClient({ url })
    client.on('error', () => {})
    await client.connect()
    onTestFinished(() => client.destroy())
    return client
  },
}

describe.for(Object.entries(ways))('%s', ([, way]) => {
  test('while a server hangs operations fail at their time limit, and work again afterwards', async () => {
    const redis = await server()
    const store = open(await way(redis.url), { commandTimeoutMs: 200 })
    await insist(() => complete(store, 'before'))
    redis.pause()
    const startedAt = performance.now()
    const claims = [effectOf(store.claim(request('one'))), effectOf(store.claim(request('two')))]
    expect(await Promise.all(claims)).toEqual(['unknown', 'unknown'])
    expect(performance.now() - startedAt).toBeLessThan(IN_TIME_MS)
    redis.resume()
    const claim = await insist(() => store.claim(request('one')))
    expect(claim).toMatchObject({ status: 'acquired', attempt: 1 })
    await insist(() => complete(store, 'after'))
    expect(await store.claim(request('before', { leaseId: 'another' }))).toMatchObject({ status: 'completed' })
  })

  test('after a kill and a restart the store works again and has the flushed records', async () => {
    const redis = await server({ appendfsync: 'always' })
    const store = open(await way(redis.url), { commandTimeoutMs: 300 })
    await insist(() => complete(store, 'before'))
    await redis.kill()
    await expect(store.claim(request('meanwhile'))).rejects.toThrow(StoreError)
    await redis.restart()
    expect(await insist(() => store.claim(request('before', { leaseId: 'another' })))).toMatchObject({
      status: 'completed',
    })
  })

  test('a cut connection and flushed scripts are retried within the time limit', async () => {
    const redis = await server()
    const store = open(await way(redis.url), { commandTimeoutMs: 20_000 })
    await insist(() => complete(store, 'before'))
    await redis.ask('SCRIPT', 'FLUSH')
    await complete(store, 'scripts')
    for (let round = 0; round < 5; round++) {
      const work = Promise.all(Array.from({ length: 20 }, (_, i) => complete(store, `cut ${round} ${i}`)))
      await redis.ask('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
      await work
    }
    for (const i of [0, 19]) {
      expect(await store.get(request(`cut 4 ${i}`))).toMatchObject({ state: 'completed', attempts: 1 })
    }
  })
})

describe('the first connection', () => {
  const connecting = {
    'by URL': (url: string) => url,
    'by ioredis': (url: string) => {
      const client = new Redis(url)
      onTestFinished(() => client.disconnect())
      return client
    },
    'by ioredis, lazily': (url: string) => {
      const client = new Redis(url, { lazyConnect: true })
      onTestFinished(() => client.disconnect())
      return client
    },
    'by node-redis': (url: string) => {
      const client = createClient({ url })
      client.on('error', () => {})
      client.connect().catch(() => {})
      onTestFinished(() => client.destroy())
      return client
    },
  }

  test.for(Object.entries(connecting))(
    'does not count towards the time limit of the first commands: %s',
    async ([, way]) => {
      const proxy = await startProxy((await server()).port)
      const letThrough = proxy.delay()
      const store = open(way(proxy.url), { commandTimeoutMs: 500 })
      const work = Promise.all([store.ready(), complete(store, 'one')])
      work.catch(() => {})
      await delay(800)
      letThrough()
      await work
      expect(await store.get(request('one'))).toMatchObject({ state: 'completed', attempts: 1 })
    },
  )

  test.for(Object.entries(connecting))(
    'has a time limit of its own, which close does not wait for: %s',
    async ([, way]) => {
      const proxy = await startProxy((await server()).port)
      proxy.delay()
      const store = open(way(proxy.url), { commandTimeoutMs: 200 })
      const startedAt = performance.now()
      await expect(store.claim(request('one'))).rejects.toThrow(StoreError)
      expect(performance.now() - startedAt).toBeLessThan(IN_TIME_MS)
      await store.close()

      const another = open(way(proxy.url), { commandTimeoutMs: 200 })
      const claim = effectOf(another.claim(request('two')))
      const closingAt = performance.now()
      await another.close()
      expect(performance.now() - closingAt).toBeLessThan(2_500)
      expect(await claim).not.toBe('none')
    },
  )
})

test('a dead connection is replaced', async () => {
  const redis = await server()
  const proxy = await startProxy(redis.port)
  const store = open(proxy.url, { commandTimeoutMs: 300 })
  await insist(() => complete(store, 'before'))
  proxy.swallow()
  expect(await effectOf(store.claim(request('one')))).toBe('unknown')
  await complete(store, 'after').catch(() => {})
  await insist(() => complete(store, 'after'))
})

test('a claim whose answer was lost finds its own lease when it is sent again', async () => {
  const redis = await server()
  const proxy = await startProxy(redis.port)
  const store = open(proxy.url, { commandTimeoutMs: 20_000 })
  await insist(() => complete(store, 'before'))
  proxy.cutBeforeAnswer()
  expect(await store.claim(request('one'))).toMatchObject({ status: 'acquired', attempt: 1 })
  expect(proxy.cuts).toBe(1)
  proxy.cutBeforeAnswer()
  expect(await store.complete(request('one'), 'lease of one', Buffer.from('result'))).toMatchObject({
    status: 'completed',
  })
  expect(proxy.cuts).toBe(2)
})

test('a deletion whose answer was lost is not sent again', async () => {
  const redis = await server()
  const proxy = await startProxy(redis.port)
  const store = open(proxy.url, { commandTimeoutMs: 20_000 })
  await store.delete(request('so that the server knows the script'))
  await complete(store, 'one')
  proxy.cutBeforeAnswer()
  expect(await effectOf(store.delete(request('one')))).toBe('unknown')
  expect(await store.get(request('one'))).toBeUndefined()
})

test('without a server operations are refused: nothing can have been written', async () => {
  const redis = await server()
  const { url } = redis
  await redis.kill()
  const store = open(url, { commandTimeoutMs: 100 })
  await expect(store.claim(request('one'))).rejects.toMatchObject({
    effect: 'refused',
    message: expect.stringContaining('ECONNREFUSED'),
  })
  expect(await effectOf(store.ready())).toBe('refused')
})

test('a command waits, within its time limit, for a server that is still loading', async () => {
  const redis = await server({
    appendfsync: 'always',
    settings: { 'key-load-delay': '3000', 'loading-process-events-interval-bytes': '1024' },
  })
  const store = open(redis.url, { commandTimeoutMs: 20_000 })
  await Promise.all(Array.from({ length: 200 }, (_, i) => complete(store, `key ${i}`)))
  await redis.kill()
  const restarted = redis.restart()
  expect(await store.claim(request('key 199', { leaseId: 'another' }))).toMatchObject({ status: 'completed' })
  await restarted
})

test('a replica refuses claims, and still answers duplicates', async () => {
  const redis = await server()
  const store = open(redis.url, { commandTimeoutMs: 200 })
  await insist(() => complete(store, 'done'))
  await redis.ask('REPLICAOF', '127.0.0.1', '1')
  const duplicate = request('done', { leaseId: 'another' })
  expect(await insist(() => store.claim(duplicate))).toMatchObject({ status: 'completed' })
  expect(await effectOf(store.claim(request('new')))).toBe('refused')
  await redis.ask('REPLICAOF', 'NO', 'ONE')
  expect(await insist(() => store.claim(request('new')))).toMatchObject({ status: 'acquired' })
})

test('each of many concurrent operations has its own time limit', async () => {
  const redis = await server()
  const store = open(redis.url, { commandTimeoutMs: 1_000 })
  await insist(() => complete(store, 'before'))
  redis.pause()
  const startedAt = performance.now()
  const claims = Array.from({ length: 50 }, (_, i) => effectOf(store.claim(request(`key ${i}`, { leaseMs: HOUR }))))
  await eventually('most of the time', () => performance.now() - startedAt > 800)
  const late = effectOf(store.claim(request('late')))
  expect(new Set(await Promise.all(claims))).toEqual(new Set(['unknown']))
  redis.resume()
  expect(await late).toBe('none')
})

describe('a transient error is retried within the time limit', () => {
  const states = {
    'a replica is missing': {
      begin: (redis: RedisServer) => redis.ask('CONFIG', 'SET', 'min-replicas-to-write', '1'),
      end: (redis: RedisServer) => redis.ask('CONFIG', 'SET', 'min-replicas-to-write', '0'),
      code: 'NOREPLICAS',
    },
    'a script of somebody else is slow': {
      async begin(redis: RedisServer) {
        await redis.ask('CONFIG', 'SET', 'lua-time-limit', '10')
        void redis.ask('EVAL', 'while true do end', '0').catch(() => {})
        await eventually('the script to be slow', async () => (await redis.ask('PING')).startsWith('-BUSY'))
      },
      end: (redis: RedisServer) => redis.ask('SCRIPT', 'KILL'),
      code: 'BUSY',
    },
  }
  test.for(Object.entries(states))('%s', async ([, { begin, end, code }]) => {
    const redis = await server()
    const [patient, hasty] = [open(redis.url, { commandTimeoutMs: 20_000 }), open(redis.url, { commandTimeoutMs: 500 })]
    for (const store of [patient, hasty]) await insist(() => store.get(request('one')))
    await begin(redis)
    const claim = patient.claim(request('one'))
    await expect(hasty.claim(request('two'))).rejects.toThrow(code)
    await end(redis)
    expect(await claim).toMatchObject({ status: 'acquired' })
  })
})
