import { expect, onTestFinished, test } from 'vitest'
import { startRedisCluster } from '../../../../../scripts/test-servers/redis-cluster.js'
import { TOOL_TIMEOUT_MS } from '../../../../../scripts/test-tools/index.js'
import { AGENDA, acceptance, keysOf, LOG, opened, take } from './acceptance.js'
import { beginToMoveSlot } from './slot-move.js'
import { eventually, HOUR, open, request } from './support.js'

/** What became of a record before its acceptance was read in the log. */

const backlog = async (store: Awaited<ReturnType<typeof opened>>['store']) => (await store.backlog('test')).inLine

test.for([null, 'g'])(
  'a record that was deleted before its entry was read is not claimed, and its entry is removed: group %s',
  async group => {
    const { client, store } = await opened()
    await store.accept(acceptance('one', { group }))
    await store.accept(acceptance('two', { group }))
    expect(await store.delete(request('one'))).toBe('deleted')
    expect(keysOf(await take(store, 'a'))).toEqual(['two'])
    await eventually('it to be forgotten', async () => {
      await take(store, 'b')
      return (await client.xlen(LOG)) === 1
    })
    expect(await backlog(store)).toBe(1)
  },
)

test.for([null, 'g'])(
  'a record that was claimed before its entry was read keeps its lease, and is settled: group %s',
  async group => {
    const { client, store } = await opened()
    const keys = ['running', 'completed', 'failed', 'dead', 'waiting']
    // In a group each would wait for the one before.
    for (const key of keys) await store.accept(acceptance(key, { group: group && `${group} ${key}` }))
    for (const key of keys) await store.claim(request(key, { leaseId: key }))
    await store.complete(request('completed'), 'completed', Buffer.from('result'))
    await store.fail(request('failed'), 'failed', 'it broke')
    await store.fail(request('dead'), 'dead', 'it broke', 'dead')
    await store.fail(request('waiting'), 'waiting', 'it broke', { dueInMs: HOUR })
    expect(await client.zcard(AGENDA)).toBe(0)
    expect(keysOf(await take(store, 'a'))).toEqual(['failed'])
    expect(await take(store, 'b')).toEqual([])
    expect(await backlog(store)).toBe(3)
    expect(await client.zcount(AGENDA, '-inf', '(0')).toBe(2)
    for (const key of ['completed', 'dead']) {
      expect(await store.redrive(request(key), { completed: true })).toBe('redriven')
    }
    expect(keysOf(await take(store, 'c'))).toEqual(['completed', 'dead'])
  },
)

test.for([null, 'g'])(
  'a record that was redriven before its entry was read is due at once, in a group in its old position: group %s',
  async group => {
    const { store } = await opened()
    for (const key of ['first', 'redriven', 'last']) await store.accept(acceptance(key, { group, delayMs: HOUR }))
    for (const key of ['redriven', 'first']) {
      await store.claim(request(key, { leaseId: key }))
      await store.fail(request(key), key, 'it broke', 'dead')
      expect(await store.redrive(request(key))).toBe('redriven')
    }
    const taken: string[] = []
    for (const leaseId of ['a', 'b']) {
      const claims = await take(store, leaseId, { limit: 1 })
      taken.push(...keysOf(claims))
      for (const claim of claims) await store.complete(claim, leaseId, Buffer.from('result'))
    }
    expect(group ? taken : taken.toSorted()).toEqual(['first', 'redriven'])
    expect(await take(store, 'c')).toEqual([])
  },
)

test.for([null, 'g'])('a record that was made due before its entry was read is due: group %s', async group => {
  const { store } = await opened()
  await store.accept(acceptance('one', { group, delayMs: HOUR }))
  expect(await store.redrive(request('one'), { waiting: true })).toBe('due')
  expect(keysOf(await take(store, 'a'))).toEqual(['one'])
  await store.fail(request('one'), 'a', 'it broke', { dueInMs: HOUR })
  expect(await store.redrive(request('one'), { waiting: true })).toBe('due')
  expect(keysOf(await take(store, 'b'))).toEqual(['one'])
})

test('a key that is accepted again before its first entry was read is claimed and listed once', async () => {
  const { client, store } = await opened()
  await store.accept(acceptance('again', { group: 'old' }))
  await store.delete(request('again'))
  await store.accept(acceptance('between'))
  await store.accept(acceptance('again', { group: 'new' }))
  const listed = async () => keysOf((await store.list({ accepted: true, limit: 10 })).records)
  expect(await listed()).toEqual(['again', 'between'])
  expect(keysOf(await take(store, 'a'))).toEqual(['between', 'again'])
  expect(await listed()).toEqual(['again', 'between'])
  await take(store, 'b')
  expect(await client.xlen(LOG)).toBe(2)
  expect(await client.keys('*:group:=old')).toEqual([])
})

test('after the clock stepped back acceptances keep their order, and are due at once', async () => {
  const { client, store } = await opened()
  await store.accept(acceptance('first', { group: 'g' }))
  // As if the clock had been an hour ahead until now.
  const ahead = (Date.now() + HOUR) * 1000
  await client.call('XSETID', LOG, `${ahead}-0`)
  for (const key of ['second', 'third']) await store.accept(acceptance(key, { group: 'g' }))
  for (const key of ['x', 'y']) await store.accept(acceptance(key))
  const ids = (await client.xrange(LOG, '-', '+')).map(([id]) => id)
  expect(ids.slice(1)).toEqual([1, 2, 3, 4].map(later => `${ahead + later}-0`))
  expect((await store.backlog('test')).overdueMs).toBeLessThan(HOUR / 2)
  expect(keysOf(await take(store, 'a'))).toEqual(['first', 'x', 'y'])
  for (const [leaseId, key, next] of [
    ['a', 'first', 'second'],
    ['b', 'second', 'third'],
  ] as const) {
    await store.complete(request(key), leaseId, Buffer.from('result'))
    expect(keysOf(await take(store, 'b'))).toEqual([next])
  }
  expect(keysOf((await store.list({ accepted: true, limit: 10 })).records)).toEqual([
    'y',
    'x',
    'third',
    'second',
    'first',
  ])
})

test('a due record is found behind more entries of a waiting group than one script reads', async () => {
  const { store } = await opened()
  await store.accept(acceptance('blocked', { group: 'g' }))
  await take(store, 'a')
  const keys = Array.from({ length: 6_000 }, (_, i) => `${i}`)
  await Promise.all(keys.map(key => store.accept(acceptance(key, { group: 'g' }))))
  await store.accept(acceptance('due'))
  expect(keysOf(await take(store, 'b', { limit: 1 }))).toEqual(['due'])
  expect(await backlog(store)).toBe(2)
})

test('after FLUSHALL new acceptances are listed and claimed', async () => {
  const { client, store } = await opened()
  await store.accept(acceptance('before'))
  await take(store, 'a')
  await client.flushall()
  await store.accept(acceptance('after'))
  expect(keysOf((await store.list({ accepted: true, limit: 10 })).records)).toEqual(['after'])
  expect(keysOf(await take(store, 'b'))).toEqual(['after'])
})

test('under concurrent acceptances, claims and settlements each record is claimed exactly once', async () => {
  const { client, store } = await opened()
  const keys = Array.from({ length: 300 }, (_, i) => `${i}`)
  const settled: string[] = []
  let accepted = 0
  const accept = async () => {
    for (let key = keys[accepted++]; key !== undefined; key = keys[accepted++]) {
      await store.accept(acceptance(key, { group: Number(key) % 3 === 0 ? `g${Number(key) % 5}` : null }))
    }
  }
  const work = async (worker: number) => {
    for (let look = 0; settled.length < keys.length; look++) {
      const leaseId = `${worker} ${look}`
      for (const claim of await take(store, leaseId, { limit: 1 + ((worker + look) % 7) })) {
        if (claim.attempt === 1 && Number(claim.key) % 4 === 0) await store.fail(claim, leaseId, 'it broke')
        else {
          settled.push(claim.key)
          const next = Number(claim.key) % 7 === 0 ? 'dead' : undefined
          if (next) await store.fail(claim, leaseId, 'it broke', next)
          else await store.complete(claim, leaseId, Buffer.from('result'))
        }
      }
    }
  }
  await Promise.all([accept(), accept(), accept(), work(0), work(1), work(2)])
  expect(settled.toSorted()).toEqual(keys.toSorted())
  const grouped = (group: number) => (key: string) => Number(key) % 3 === 0 && Number(key) % 5 === group
  for (const group of [0, 1, 2, 3, 4]) {
    const records = (await store.list({ accepted: true, limit: 1000 })).records.map(({ key }) => key)
    expect(settled.filter(grouped(group))).toEqual(records.filter(grouped(group)).toReversed())
  }
  expect(await take(store, 'end')).toEqual([])
  expect([await client.zcount(AGENDA, 0, '+inf'), await client.zcard(AGENDA)]).toEqual([0, keys.length])
  expect(await client.keys('*:group:*')).toEqual([])
})

test('in a Cluster a stream that moved to another server before its records is read, and no record is missed', {
  timeout: TOOL_TIMEOUT_MS,
}, async () => {
  const cluster = await startRedisCluster()
  onTestFinished(cluster.stop)
  const store = open({ cluster: cluster.urls })
  const keys = Array.from({ length: 300 }, (_, i) => `key ${i}`)
  for (const key of keys) await store.accept(acceptance(key))
  const { finish } = await beginToMoveSlot(cluster, 'hookonce:*:log')
  const taken = keysOf(await take(store, 'a', { limit: 1000 }))
  const left = (await finish()).filter(name => name.includes(':4:testkey')).length
  expect([left > 0, taken.length]).toEqual([true, keys.length - left])
  await eventually('the records of the slot', async () => {
    taken.push(...keysOf(await take(store, 'b', { limit: 1000 })))
    return taken.length >= keys.length
  })
  expect(taken.toSorted()).toEqual(keys.toSorted())
  expect((await store.list({ accepted: true, limit: 1000 })).records).toHaveLength(keys.length)
})

test('an entry whose key holds no record is left alone, and the entries read along with it are claimed', async () => {
  const { client, store, nameOf } = await opened()
  for (const key of ['good', 'broken', 'better']) await store.accept(acceptance(key))
  await client.set(await nameOf('broken'), 'P')
  expect(keysOf(await take(store, 'a'))).toEqual(['good', 'better'])
  expect(await client.zcard(AGENDA)).toBe(3)
})
