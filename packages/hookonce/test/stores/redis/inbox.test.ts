import { expect, onTestFinished, test } from 'vitest'
import { startRedisCluster } from '../../../../../scripts/test-servers/redis-cluster.js'
import { TOOL_TIMEOUT_MS } from '../../../../../scripts/test-tools/index.js'
import { AGENDA, acceptance, keysOf, LOG, opened, take } from './acceptance.js'
import { beginToMoveSlot } from './slot-move.js'
import { eventually, HOUR, open, request } from './support.js'

test('an unfinished record has no expiry in Redis; a settled or deleted one has', async () => {
  const { client, store, nameOf } = await opened()
  const left = async () => client.pttl(await nameOf('one'))
  await store.accept(acceptance('one'))
  expect(await left()).toBe(-1)
  await take(store, 'a')
  expect(await left()).toBe(-1)
  await store.renew(request('one'), 'a', HOUR)
  expect(await left()).toBe(-1)
  await store.fail(request('one'), 'a', 'it broke')
  expect(await left()).toBe(-1)
  await store.claim(request('one', { leaseId: 'b' }))
  expect(await left()).toBe(-1)
  await store.fail(request('one'), 'b', 'it broke', 'dead')
  expect(await left()).toBeGreaterThan(0)
  await store.redrive(request('one'))
  expect(await left()).toBe(-1)
  await store.claim(request('one', { leaseId: 'c' }))
  await store.complete(request('one'), 'c', Buffer.from('result'))
  expect(await left()).toBeGreaterThan(0)
  await store.redrive(request('one'))
  await store.delete(request('one'))
  expect(await left()).toBeGreaterThan(0)
})

test('fencing tokens rise over a deletion and another acceptance, even if the clock steps back', async () => {
  const { client, store, nameOf } = await opened()
  await store.accept(acceptance('one'))
  await take(store, 'a')
  const ahead = (Date.now() + HOUR) * 1000
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(ahead)
  // Where value.ts has the token: after a lease id of one letter.
  await client.setrange(await nameOf('one'), 55, bytes)
  await store.delete(request('one'), { force: true })
  await store.accept(acceptance('one'))
  expect(await store.get(request('one'))).toMatchObject({ fencingToken: '0', attempts: 0 })
  expect(await take(store, 'b')).toMatchObject([{ fencingToken: `${ahead + 1}` }])
})

test('an agenda entry that is too early is corrected, and nothing is claimed', async () => {
  const { client, store, memberOf } = await opened()
  for (const key of ['waiting', 'renewed', 'completed']) await store.accept(acceptance(key))
  await take(store, 'a')
  await store.fail(request('waiting'), 'a', 'it broke', { dueInMs: HOUR })
  await store.complete(request('completed'), 'a', Buffer.from('result'))
  await store.renew(request('renewed'), 'a', HOUR)
  const places: Record<string, number> = {}
  for (const key of ['waiting', 'renewed', 'completed']) {
    const record = (await store.get(request(key)))!
    places[key] = record.accepted!.dueAt ?? -record.expiresAt
    await client.zadd(AGENDA, 1, await memberOf(key))
  }
  expect(await take(store, 'b')).toEqual([])
  for (const [key, place] of Object.entries(places)) {
    expect(Number(await client.zscore(AGENDA, await memberOf(key))), key).toBe(place)
  }
})

test('the entry of a missing record is removed at the next claim', async () => {
  const { client, store, nameOf } = await opened()
  await store.accept(acceptance('gone'))
  await client.del(await nameOf('gone'))
  expect(await take(store, 'a')).toEqual([])
  expect([await client.xlen(LOG), await client.zcard(AGENDA)]).toEqual([0, 0])
  await store.accept(acceptance('gone'))
  expect(keysOf(await take(store, 'b'))).toEqual(['gone'])
})

test('an expired record is not listed, even before its entry is removed', async () => {
  const { client, store } = await opened()
  await store.accept(acceptance('kept'))
  await store.accept(acceptance('expired', { retentionMs: 1 }))
  await take(store, 'a')
  await store.complete(request('expired'), 'a', Buffer.from('result'))
  await eventually('its end', async () => (await store.get(request('expired'))) === undefined)
  expect(await client.xlen(LOG)).toBe(2)
  expect(keysOf((await store.list({ accepted: true, limit: 10 })).records)).toEqual(['kept'])
})

test('the stream and the agenda lose the entries of records that expired, were deleted, or were claimed anew', async () => {
  const { client, store } = await opened()
  for (const key of ['expired', 'claimed', 'deleted', 'kept']) {
    await store.accept(acceptance(key, key === 'deleted' || key === 'kept' ? {} : { retentionMs: 1 }))
    await take(store, 'a')
    await store.complete(request(key), 'a', Buffer.from('result'))
  }
  await store.delete(request('deleted'))
  for (const key of ['expired', 'claimed']) {
    await eventually('its end', async () => (await store.get(request(key))) === undefined)
  }
  await store.claim(request('claimed'))
  const listed = await store.list({ accepted: true, limit: 10 })
  expect(keysOf(listed.records)).toEqual(['kept'])
  await eventually('them to be forgotten', async () => {
    await take(store, 'b')
    return (await client.xlen(LOG)) === 1
  })
  expect(await client.zcard(AGENDA)).toBe(1)
})

test('a key that is accepted again in another group is in the new group only', async () => {
  const { client, store } = await opened()
  await store.accept(acceptance('one', { group: 'old' }))
  await take(store, 'a')
  await store.delete(request('one'), { force: true })
  await store.accept(acceptance('one', { group: 'new' }))
  await store.accept(acceptance('two', { group: 'old' }))
  await store.accept(acceptance('three', { group: 'new' }))
  expect(keysOf(await take(store, 'b'))).toEqual(['one', 'two'])
  await store.complete(request('one'), 'b', Buffer.from('result'))
  await store.complete(request('two'), 'b', Buffer.from('result'))
  expect(keysOf(await take(store, 'c'))).toEqual(['three'])
  await store.complete(request('three'), 'c', Buffer.from('result'))
  expect(await take(store, 'd')).toEqual([])
  // Groups of which nothing is left have left nothing.
  expect(await client.keys('*:group:*')).toEqual([])
  expect(await client.zcount(AGENDA, 0, '+inf')).toBe(0)
})

test('a redriven record comes before later ones of its group', async () => {
  const { store } = await opened()
  for (const key of ['one', 'two', 'three']) await store.accept(acceptance(key, { group: 'g' }))
  await take(store, 'a')
  await store.fail(request('one'), 'a', 'it broke', 'dead')
  expect(keysOf(await take(store, 'b'))).toEqual(['two'])
  await store.redrive(request('one'))
  expect(keysOf(await take(store, 'c'))).toEqual(['one'])
  await store.complete(request('two'), 'b', Buffer.from('result'))
  expect(await take(store, 'd')).toEqual([])
  await store.complete(request('one'), 'c', Buffer.from('result'))
  expect(keysOf(await take(store, 'e'))).toEqual(['three'])
})

test('one claim has a bounded number of bytes', async () => {
  const { store } = await opened()
  const delivery = Buffer.alloc(1_048_576)
  for (let i = 0; i < 10; i++) await store.accept(acceptance(`${i}`, { delivery }))
  const [first, second] = [await take(store, 'a'), await take(store, 'b')]
  expect([first.length, second.length]).toEqual([8, 2])
})

test('pages of a list of all scopes are newest first and stable while records are accepted and settled', async () => {
  const { store } = await opened()
  const keys = Array.from({ length: 120 }, (_, i) => `key ${i}`)
  for (const key of keys) await store.accept(acceptance(key, { scope: `scope ${key.length}` }))
  const seen: string[] = []
  for (let after: string | undefined; ; ) {
    const { records, next } = await store.list({ accepted: true, limit: 7, ...(after && { after }) })
    seen.push(...keysOf(records))
    if (next === undefined) break
    after = next
    await store.accept(acceptance(`later ${seen.length}`))
    await take(store, 'a', { scope: 'scope 6', limit: 3 })
  }
  expect(seen).toEqual(keys.toReversed())
})

test('a watch of a scope is woken by an announcement of another process', async () => {
  const { redis, store } = await opened()
  const other = open(redis.url)
  const woken = { test: 0, other: 0 }
  const ends = Object.keys(woken).map(scope => store.watchDue!(scope, () => woken[scope as 'test']++))
  await eventually('the subscriptions', () => woken.test > 0 && woken.other > 0)
  const before = { ...woken }
  other.announceDue!('test')
  await eventually('the push', () => woken.test > before.test)
  expect(woken.other).toBe(before.other)
  for (const end of ends) end()
})

test('a Redis at its memory limit accepts nothing new, answers duplicates, and lets its queue be worked off', async () => {
  const { redis, store } = await opened()
  for (const key of ['completing', 'failing', 'dying']) await store.accept(acceptance(key))
  const used = /used_memory:(\d+)/.exec(await redis.ask('INFO', 'memory'))![1]!
  await redis.ask('CONFIG', 'SET', 'maxmemory', String(Math.floor(Number(used) / 2)))
  await expect(store.accept(acceptance('new'))).rejects.toMatchObject({ effect: 'refused' })
  expect(await store.get(request('new'))).toBeUndefined()
  expect(await store.accept(acceptance('failing', { acceptId: 'b' }))).toMatchObject({ status: 'known' })
  expect(await take(store, 'a')).toHaveLength(3)
  expect(await store.renew(request('completing'), 'a', HOUR)).toBe('renewed')
  expect(await store.complete(request('completing'), 'a', Buffer.from('result'))).toMatchObject({ status: 'completed' })
  expect(await store.fail(request('failing'), 'a', 'it broke')).toBe('failed')
  expect(await store.fail(request('dying'), 'a', 'it broke', 'dead')).toBe('failed')
  expect(await store.redrive(request('dying'))).toBe('redriven')
  expect(keysOf(await take(store, 'b')).sort()).toEqual(['dying', 'failing'])
})

test('a Cluster refuses groups, claims from all partitions in the order of due times, and follows a moving slot', {
  timeout: TOOL_TIMEOUT_MS,
}, async () => {
  const cluster = await startRedisCluster()
  onTestFinished(cluster.stop)
  const store = open({ cluster: cluster.urls })
  await expect(store.accept(acceptance('one', { group: 'g' }))).rejects.toMatchObject({ effect: 'refused' })
  expect(await store.get(request('one'))).toBeUndefined()

  const keys = Array.from({ length: 300 }, (_, i) => `key ${i}`)
  for (const key of keys) await store.accept(acceptance(key))
  const release: (() => Promise<string>)[] = []
  const times: number[] = []
  const taken: string[] = []
  for (const leaseId of ['a', 'b', 'c']) {
    const claims = await take(store, leaseId, { limit: 100 })
    taken.push(...keysOf(claims))
    times.push(...claims.map(({ acceptedAt }) => acceptedAt))
    release.push(...claims.map(claim => () => store.fail(claim, leaseId, 'it broke')))
    expect(claims).toHaveLength(100)
  }
  for (const fail of release) expect(await fail()).toBe('failed')
  expect(times).toEqual(times.toSorted((a, b) => a - b))
  expect(taken.toSorted()).toEqual(keys.toSorted())

  // Half of a slot is on another server: what is done then is found by the agenda once the slot is whole again.
  const { name, finish } = await beginToMoveSlot(cluster, 'hookonce:*:4:testkey*')
  const moved = name.slice(name.indexOf('key'))
  expect(await store.claim(request(moved, { leaseId: 'm' }))).toMatchObject({ status: 'acquired' })
  expect(await store.fail(request(moved), 'm', 'it broke')).toBe('failed')
  const first = keysOf(await take(store, 'd', { limit: 1000 }))
  await finish()
  const second: string[] = []
  await eventually('the moved record', async () => {
    second.push(...keysOf(await take(store, 'e', { limit: 1000 })))
    return first.length + second.length >= keys.length
  })
  expect([...first, ...second].sort()).toEqual(keys.toSorted())
})

test('a record is made due although its slot of a Cluster moves', { timeout: TOOL_TIMEOUT_MS }, async () => {
  const cluster = await startRedisCluster()
  onTestFinished(cluster.stop)
  const store = open({ cluster: cluster.urls })
  for (let i = 0; i < 60; i++) await store.accept(acceptance(`key ${i}`))
  for (const claim of await take(store, 'a', { limit: 1000 }))
    await store.fail(claim, 'a', 'it broke', { dueInMs: HOUR })
  const { name, finish } = await beginToMoveSlot(cluster, 'hookonce:*:4:testkey*')
  const moved = name.slice(name.indexOf('key'))
  // The record is on one server, and the agenda on another.
  const outcome = store.redrive(request(moved), { waiting: true })
  await finish()
  expect(await outcome).toBe('due')
  expect(keysOf(await take(store, 'b', { limit: 1000 }))).toEqual([moved])
})
