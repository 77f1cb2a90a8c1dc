import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { complete, eventually, insist, open, request, server } from './support.js'

/** How often a store found that Redis had forgotten. */
function counting() {
  const seen = { times: 0, onForgotten: () => void seen.times++ }
  return seen
}

test('a Redis that was flushed is noticed by every store, each time', async () => {
  const redis = await server()
  const seen = [counting(), counting()]
  const stores = seen.map(({ onForgotten }) => open(redis.url, { onForgotten }))
  for (const store of stores) await store.ready()
  for (const times of [1, 2]) {
    await redis.ask('FLUSHALL')
    await eventually(`flush ${times} to be noticed`, () => seen.every(one => one.times === times))
  }
})

test('a Redis that was started again empty is noticed with the new connection', async () => {
  const redis = await server()
  const seen = counting()
  const store = open(redis.url, { onForgotten: seen.onForgotten })
  await store.ready()
  await redis.restart()
  await insist(() => complete(store, 'after'))
  await eventually('the start', () => seen.times === 1)
})

test('a Redis that was started again with its records is not', async () => {
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
