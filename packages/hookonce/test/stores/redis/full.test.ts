import type { StoreError } from 'hookonce'
import { expect, test } from 'vitest'
import type { RedisServer } from '../../../../../scripts/test-servers/redis.js'
import { complete, HOUR, open, request, server } from './support.js'

/** Leaves no byte below the limit. */
async function fill(redis: RedisServer): Promise<void> {
  const used = /used_memory:(\d+)/.exec(await redis.ask('INFO', 'memory'))![1]!
  await redis.ask('CONFIG', 'SET', 'maxmemory', String(Math.floor(Number(used) / 2)))
  expect(await redis.ask('SET', 'x', 'y')).toMatch(/^-OOM/)
}

test('a Redis at its memory limit refuses claims; running attempts are renewed and settled, and duplicates answered', async () => {
  const redis = await server({ maxmemory: '100mb' })
  const store = open(redis.url)
  await complete(store, 'done')
  for (const key of ['completing', 'failing', 'deleted']) await store.claim(request(key, { fingerprint: 'one' }))
  await fill(redis)

  const refusal: StoreError = await store.claim(request('new')).then(
    () => expect.unreachable(),
    error => error,
  )
  expect([refusal.effect, refusal.message]).toEqual(['refused', expect.stringContaining('OOM')])
  await expect(store.ready()).rejects.toThrow('OOM')

  expect(await store.renew(request('completing'), 'lease of completing', HOUR)).toBe('renewed')
  const result = Buffer.alloc(100_000, 'result')
  expect(await store.complete(request('completing'), 'lease of completing', result)).toMatchObject({
    status: 'completed',
  })
  expect(await store.fail(request('failing'), 'lease of failing', 'it broke')).toBe('failed')
  expect(await store.delete(request('deleted'), { force: true })).toBe('deleted')

  const claim = (key: string, fingerprint: string | null = null) =>
    store.claim(request(key, { leaseId: 'another', fingerprint }))
  expect(await claim('done')).toMatchObject({ status: 'completed' })
  expect(await claim('completing')).toMatchObject({ status: 'completed', result })
  expect(await claim('failing', 'two')).toEqual({ status: 'mismatch' })
  await expect(claim('failing')).rejects.toMatchObject({ effect: 'refused' })
  expect(await store.get(request('failing'))).toMatchObject({ state: 'failed', attempts: 1 })
  expect((await store.list({ limit: 10 })).records).toHaveLength(3)

  await redis.ask('CONFIG', 'SET', 'maxmemory', '100mb')
  expect(await claim('failing')).toMatchObject({ status: 'acquired', attempt: 2 })
})
