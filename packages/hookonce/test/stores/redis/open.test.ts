import { type AddressInfo, createServer } from 'node:net'
import { ConfigurationError } from 'hookonce'
import { redisStore, redisStoreDefaults } from 'hookonce/stores/redis'
import { Redis } from 'ioredis'
import { createClient, createSentinel } from 'redis'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startRedisCluster } from '../../../../../scripts/test-servers/redis-cluster.js'
import { complete, open, request, server } from './support.js'

describe('an invalid connection or option is refused at once', () => {
  test.for([
    'localhost:6379',
    'http://localhost',
    'redis://',
    '',
    {},
    { cluster: [] },
    { cluster: ['localhost'] },
    'redis://localhost/one',
    'redis://localhost?db=one',
    new Map(),
  ])('%j', connection => {
    expect(() => redisStore(connection as string)).toThrow(ConfigurationError)
  })

  test('the message has no password in it', () => {
    expect(() => redisStore('redis:/user:secret@host')).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('secret') }),
    )
  })

  test('a client with a key prefix of its own', () => {
    const client = new Redis({ lazyConnect: true, keyPrefix: 'mine:' })
    expect(() => redisStore(client)).toThrow('prefix')
  })

  test('a client of createSentinel of node-redis', async () => {
    const client = createSentinel({ name: 'mymaster', sentinelRootNodes: [{ host: '127.0.0.1', port: 1 }] })
    expect(() => redisStore(client as never)).toThrow(ConfigurationError)
  })

  test.for([{ prefix: 'a{b}' }, { commandTimeoutMs: 0 }, { commandTimeoutMs: Number.NaN }])('%j', options => {
    expect(() => redisStore('redis://localhost', options)).toThrow(ConfigurationError)
  })
})

test('the defaults are as documented', () => {
  expect(redisStoreDefaults).toMatchObject({ prefix: 'hookonce:', commandTimeoutMs: 1000, allowEviction: false })
})

test('an undefined option counts as absent', async () => {
  const redis = await server()
  await complete(open(redis.url, { prefix: undefined, commandTimeoutMs: undefined } as object), 'one')
  expect((await open(redis.url).list({ limit: 10 })).records).toHaveLength(1)
})

test('stores with different prefixes share no records, whatever characters the prefixes have', async () => {
  const redis = await server()
  const prefixes = ['hookonce:', 'a', 'a*', '', '[a]:', '1:']
  const stores = prefixes.map(prefix => open(redis.url, { prefix }))
  for (const store of stores) expect(await store.claim(request('one'))).toMatchObject({ status: 'acquired' })
  for (const store of stores) expect((await store.list({ limit: 10 })).records).toHaveLength(1)
})

test('other applications may use the same database', async () => {
  const redis = await server()
  const store = open(redis.url)
  await complete(store, 'one')
  await redis.ask('SET', 'hookonce:{1}:4:testforeign', 'of somebody else')
  await redis.ask('LPUSH', 'hookonce:{2}:4:testlist', 'x')
  await redis.ask('SET', 'other', 'x')
  expect((await store.list({ limit: 10 })).records.map(({ key }) => key)).toEqual(['one'])
})

test('a key that holds no record is refused', async () => {
  const redis = await server()
  const store = open(redis.url)
  await complete(store, 'one')
  const name = (await redis.ask('KEYS', '*test*')).split('\r\n').at(-1)!
  for (const taken of [
    ['LPUSH', name, 'x'],
    ['SET', name, 'x'],
  ]) {
    await redis.ask('DEL', name)
    await redis.ask(...taken)
    await expect(store.claim(request('one'))).rejects.toMatchObject({ effect: 'refused' })
  }
})

test('a client of the caller stays open when the store is closed', async () => {
  const redis = await server()
  const client = await createClient({ url: redis.url }).connect()
  onTestFinished(() => client.destroy())
  const store = open(client)
  await complete(store, 'one')
  await store.close()
  expect(await client.ping()).toBe('PONG')
  expect(client.listenerCount('ready')).toBe(0)
})

test('the store closes a connection that it made', async () => {
  const redis = await server()
  const store = open(redis.url)
  await complete(store, 'one')
  await store.close()
  expect(
    (await redis.ask('CLIENT', 'LIST', 'TYPE', 'normal')).split('\n').filter(line => /id=/.test(line)),
  ).toHaveLength(1)
})

test('a database that does not exist is refused, and no other is written to', async () => {
  const redis = await server()
  const store = open(`${redis.url}/16`)
  await expect(store.ready()).rejects.toThrow('DB index is out of range')
  await expect(store.claim(request('one'))).rejects.toMatchObject({ effect: 'refused' })
  expect(await redis.ask('INFO', 'keyspace')).not.toContain('keys=')
  await open(`${redis.url}/15`).ready()
})

describe('a client of one server, connected to a Cluster,', () => {
  test('is refused, and the message says what to give', async () => {
    const cluster = await startRedisCluster({ masters: 2 })
    onTestFinished(() => cluster.stop())
    for (const url of cluster.urls) {
      const store = open(url)
      await expect(store.ready()).rejects.toThrow(ConfigurationError)
      await expect(store.ready()).rejects.toThrow("{ cluster: ['redis://host:6379'] }")
    }
    await open({ cluster: cluster.urls }).ready()
  })

  test('is used if it has all of the slots', async () => {
    const cluster = await startRedisCluster({ masters: 1 })
    onTestFinished(() => cluster.stop())
    await complete(open(cluster.urls[0]!), 'one')
  })
})

describe('a server that may evict records', () => {
  test('is refused, and the message says what to change', async () => {
    const redis = await server({ maxmemory: '50mb', settings: { 'maxmemory-policy': 'volatile-lru' } })
    const store = open(redis.url)
    await expect(store.ready()).rejects.toThrow(ConfigurationError)
    await expect(store.ready()).rejects.toThrow('volatile-lru: set it to noeviction')
    await redis.ask('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
    await store.ready()
  })

  test('is used where that is allowed', async () => {
    const redis = await server({ maxmemory: '50mb', settings: { 'maxmemory-policy': 'allkeys-lru' } })
    await open(redis.url, { allowEviction: true }).ready()
  })

  test('does not evict any without a memory limit', async () => {
    const redis = await server({ settings: { 'maxmemory-policy': 'allkeys-lru' } })
    await open(redis.url).ready()
  })

  test('is refused if its policy cannot be read', async () => {
    const redis = await server({ settings: { user: 'app on >pw ~* &* +@all -info -config' } })
    await expect(open(redis.url.replace('//', '//app:pw@')).ready()).rejects.toThrow('let its user run INFO')
    await open(redis.url.replace('//', '//app:pw@'), { allowEviction: true }).ready()
  })
})

test('CONFIG is not needed', async () => {
  const redis = await server({ appendfsync: 'everysec', settings: { user: 'app on >pw ~* &* +@all -config' } })
  const store = open(redis.url.replace('//', '//app:pw@'))
  await store.ready()
  expect(await store.durability()).toBe('append-only file: a crash of its machine may lose the last seconds')
})

test('a user needs access only to the keys and channels of the store', async () => {
  const rights = '~hookonce:* &hookonce:* +@read +@write +@scripting +info +publish +subscribe +unsubscribe +time'
  const redis = await server({ settings: { user: `app on >pw -@all ${rights}` } })
  const store = open(redis.url.replace('//', '//app:pw@'))
  await store.ready()
  await complete(store, 'one')
  expect((await store.list({ limit: 10 })).records).toHaveLength(1)
})

test('a wrong password is reported', async () => {
  const redis = await server({ settings: { requirepass: 'secret' } })
  const store = open(redis.url.replace('//', '//:wrong@'), { commandTimeoutMs: 300 })
  await expect(store.ready()).rejects.toThrow('WRONGPASS')
})

describe('durability says what a crash may lose', () => {
  test.for([
    ['always', '', 'append-only file, flushed before each answer: a crash loses nothing'],
    ['everysec', '', 'append-only file, flushed every second: a crash of its machine may lose the last two seconds'],
    ['no', '', 'append-only file, flushed when the system does: a crash of its machine may lose half a minute'],
    ['off', '3600 1', 'snapshots only: a crash of Redis loses what came after the last one'],
    ['off', '', 'no persistence: a restart of Redis forgets every record'],
  ] as const)('appendfsync %s, save "%s"', async ([appendfsync, save, words]) => {
    const redis = await server({ appendfsync, settings: { save } })
    expect(await open(redis.url).durability()).toBe(words)
  })
})

test('a first delivery is two round trips, a duplicate one', async () => {
  const redis = await server()
  const store = open(redis.url)
  await complete(store, 'one')
  const trips = async (work: Promise<unknown>) => {
    await work
    const stats = await redis.ask('INFO', 'commandstats')
    await redis.ask('CONFIG', 'RESETSTAT')
    return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1])
  }
  await trips(Promise.resolve())
  expect(await trips(complete(store, 'two'))).toBe(2)
  expect(await trips(store.claim(request('two', { leaseId: 'another' })))).toBe(1)
})

describe('the message says that a port', () => {
  const refusal = (url: string) =>
    open(url, { commandTimeoutMs: 500 })
      .ready()
      .then(
        () => 'ready',
        error => error.message,
      )

  test('has no TLS, although the URL asks for it', async () => {
    const { port } = await server()
    expect(await refusal(`rediss://user:secret@127.0.0.1:${port}`)).toMatch(
      /^redis store: no TLS was answered: rediss:\/\/ (?!.*secret)/,
    )
  })

  test('may have TLS, if the server ends a connection without it', async () => {
    const tls = createServer(socket => {
      socket.on('error', () => {})
      socket.once('data', () => socket.resetAndDestroy())
    })
    onTestFinished(() => void tls.close())
    await new Promise<void>(resolve => tls.listen(0, '127.0.0.1', resolve))
    const { port } = tls.address() as AddressInfo
    await expect
      .poll(() => refusal(`redis://127.0.0.1:${port}`))
      .toMatch(/ECONNRESET; .* the URL begins with rediss:\/\/$/)
  })
})
