import { expect, onTestFinished, test } from 'vitest'
import { startRedisCluster } from '../../../../../scripts/test-servers/redis-cluster.js'
import { TOOL_TIMEOUT_MS } from '../../../../../scripts/test-tools/index.js'
import { AGENDA, acceptance, LOG, opened, take } from './acceptance.js'
import { beginToMoveSlot } from './slot-move.js'
import { eventually, open, request } from './support.js'

const deadIn = async (store: Awaited<ReturnType<typeof opened>>['store']) => (await store.backlog('test')).dead

test('what died under an earlier version is not counted, is redriven, and is counted when it dies again', async () => {
  const { client, store, memberOf } = await opened()
  for (const key of ['before', 'after']) await store.accept(acceptance(key))
  await take(store, 'a')
  for (const key of ['before', 'after']) await store.fail(request(key), 'a', 'it broke', 'dead')
  const { expiresAt } = (await store.get(request('before')))!
  await client.zadd(AGENDA, -expiresAt, await memberOf('before'))
  expect(await deadIn(store)).toBe(1)
  expect(await store.redrive(request('before'))).toBe('redriven')
  expect(await take(store, 'b')).toMatchObject([{ key: 'before' }])
  await store.fail(request('before'), 'b', 'it broke', 'dead')
  expect(await deadIn(store)).toBe(2)
})

test('the entries of dead records that expired are deleted in steps of 500', async () => {
  const { client, store } = await opened()
  const keys = Array.from({ length: 600 }, (_, i) => `${i}`)
  await Promise.all(keys.map(key => store.accept(acceptance(key, { retentionMs: 1 }))))
  await store.accept(acceptance('kept'))
  await take(store, 'a', { limit: 1000 })
  await Promise.all(['kept', ...keys].map(key => store.fail(request(key), 'a', 'it broke', 'dead')))
  await eventually('them to expire', async () => (await deadIn(store)) === 1)
  const entries = async () => [await client.zcard(AGENDA), await client.xlen(LOG)]
  expect(await entries()).toEqual([601, 601])
  await take(store, 'b')
  expect(await entries()).toEqual([101, 101])
  await take(store, 'b')
  expect(await entries()).toEqual([1, 1])
  expect(await deadIn(store)).toBe(1)
})

test('a record that dies while its slot of a Cluster moves is counted once that is found', {
  timeout: TOOL_TIMEOUT_MS,
}, async () => {
  const cluster = await startRedisCluster()
  onTestFinished(cluster.stop)
  const store = open({ cluster: cluster.urls })
  for (let i = 0; i < 60; i++) await store.accept(acceptance(`key ${i}`))
  await take(store, 'a', { limit: 1000, leaseMs: 1 })
  const { name, finish } = await beginToMoveSlot(cluster, 'hookonce:*:4:testkey*')
  const moved = name.slice(name.indexOf('key'))
  // The record is on one server, and the agenda on another.
  expect(await store.fail(request(moved), 'a', 'it broke', 'dead')).toBe('failed')
  await finish()
  await eventually('the dead record', async () => {
    await take(store, 'b', { limit: 1000 })
    return (await deadIn(store)) === 1
  })
})
