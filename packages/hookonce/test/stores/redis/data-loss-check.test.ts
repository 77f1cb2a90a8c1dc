import { Redis } from 'ioredis'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startProxy } from './proxy.js'
import { complete, eventually, insist, open, request, server } from './support.js'

/** How often a store found that Redis had forgotten. */
function counting() {
  const seen = { times: 0, onForgotten: () => void seen.times++ }
  return seen
}

test('every store detects each FLUSHALL', async () => {
  const redis = await server()
  const seen = [counting(), counting()]
  const stores = seen.map(({ onForgotten }) => open(redis.url, { onForgotten }))
  for (const store of stores) await store.ready()
  for (const times of [1, 2]) {
    await redis.ask('FLUSHALL')
    await eventually(`flush ${times} to be noticed`, () => seen.every(one => one.times === times))
  }
})

test('a restart without records is detected with the new connection', async () => {
  const redis = await server()
  const seen = counting()
  const store = open(redis.url, { onForgotten: seen.onForgotten })
  await store.ready()
  await redis.restart()
  await insist(() => complete(store, 'after'))
  await eventually('the start', () => seen.times === 1)
})

test('a restart with all records is not reported', async () => {
  const redis = await server({ appendfsync: 'always' })
  const seen = counting()
  const client = new Redis(redis.url)
  client.on('error', () => {})
  onTestFinished(() => client.disconnect())
  const store = open(client, { onForgotten: seen.onForgotten })
  await store.ready()
  await redis.kill()
  await redis.restart()
  await insist(() => store.ready())
  expect(seen.times).toBe(0)
})

test('by default the process is warned', async () => {
  const redis = await server()
  const store = open(redis.url)
  await store.ready()
  const warning = new Promise<Error>(resolve => process.once('warning', resolve))
  await redis.ask('FLUSHALL')
  expect((await warning).message).toContain('forgotten')
  expect(await store.claim(request('one'))).toMatchObject({ status: 'acquired' })
})

describe('an older state of the data', () => {
  /** What a store was told to be gone since when. */
  function losses() {
    const seen: (number | undefined)[] = []
    return { seen, onForgotten: (since?: number) => void seen.push(since) }
  }

  /** The clock is the server's, which is this machine's. */
  const afterNextMark = () => new Promise(resolve => setTimeout(resolve, 1_500))

  test('from a restored snapshot: every process reports it once, with its time', async () => {
    const redis = await server({ settings: { dbfilename: 'dump.rdb' } })
    const told = [losses(), losses()]
    const stores = told.map(({ onForgotten }) => open(redis.url, { onForgotten, commandTimeoutMs: 2_000 }))
    for (const store of stores) await store.ready()
    await complete(stores[0]!, 'kept')
    await redis.ask('SAVE')
    const savedAt = Date.now()
    await afterNextMark()
    await complete(stores[0]!, 'lost')
    await redis.kill()
    await redis.restart()
    await eventually('it to be noticed', () => told.every(({ seen }) => seen.length > 0))
    await afterNextMark()
    for (const { seen } of told) {
      expect(seen).toHaveLength(1)
      expect(seen[0]).toBeGreaterThan(savedAt - 3_000)
      expect(seen[0]).toBeLessThanOrEqual(savedAt + 1)
    }
    expect(await stores[0]!.get(request('kept'))).toMatchObject({ state: 'completed' })
    expect(await stores[0]!.get(request('lost'))).toBeUndefined()
  })

  const promoted = {
    'with the last seconds missing': { wait: afterNextMark, lost: true, at: undefined },
    'with the last records missing': { wait: async () => {}, lost: true, at: undefined },
    'while the newest record was looked at': { wait: async () => {}, lost: true, at: 'last' },
    'while a mark was left': { wait: async () => {}, lost: true, at: ':marks' },
    'and what was lost made anew at once': { wait: async () => {}, lost: true, at: undefined },
    'with nothing missing': { wait: async () => {}, lost: false, at: undefined },
  }
  test.for(Object.entries(promoted))('from a promoted replica %s', async ([how, { wait, lost, at }]) => {
    const [master, replica] = [await server(), await server()]
    const proxy = await startProxy(master.port)
    const { seen, onForgotten } = losses()
    const store = open(proxy.url, { onForgotten, commandTimeoutMs: 5_000 })
    await insist(() => store.ready())
    await complete(store, 'kept')
    await replica.ask('REPLICAOF', '127.0.0.1', `${master.port}`)
    await eventually('the replica', async () => /master_link_status:up/.test(await replica.ask('INFO', 'replication')))
    if (!lost) {
      await complete(store, 'last')
      // No mark that the replica does not get either.
      proxy.swallow()
    }
    const offset = async (of: typeof master, name: string) =>
      new RegExp(`${name}:(\\d+)`).exec(await of.ask('INFO', 'replication'))?.[1]
    await eventually(
      'the replica has it',
      async () => (await offset(master, 'master_repl_offset')) === (await offset(replica, 'slave_repl_offset')),
    )
    await replica.ask('REPLICAOF', 'NO', 'ONE')
    if (lost) await complete(store, 'last')
    await wait()
    if (how.includes('anew')) await open(replica.url).claim(request('last', { leaseId: 'another' }))
    proxy.turnTo(replica.port, at)
    if (at !== undefined)
      await eventually('the turn', async () => (await master.ask('CLIENT', 'LIST')).split('\n').length < 3)
    await insist(() => complete(store, 'after'))
    if (lost) await eventually('it to be noticed', () => seen.length > 0)
    await afterNextMark()
    expect(seen).toEqual(lost ? [expect.any(Number)] : [])
    expect(await store.get(request('kept'))).toMatchObject({ state: 'completed' })
  })

  test('records that were deleted or expired do not count as lost', async () => {
    const redis = await server()
    const { seen, onForgotten } = losses()
    const store = open(redis.url, { onForgotten })
    await store.ready()
    await store.claim(request('expired', { leaseMs: 10, lockTtlMs: 10, retentionMs: 10 }))
    await afterNextMark()
    await store.claim(request('deleted'))
    await store.delete(request('deleted'), { force: true })
    await afterNextMark()
    expect(seen).toEqual([])
  })
})
