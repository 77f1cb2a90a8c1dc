import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { eventually, open, request, server } from './support.js'

/** Longer than what has to happen within it takes on a machine that does other things. */
const BRIEF_MS = 1_000

/** A store, and a way to its records that goes past it. */
async function opened() {
  const redis = await server()
  const client = new Redis(redis.url)
  onTestFinished(() => client.disconnect())
  return { client, store: open(client), nameOf: async (key: string) => (await client.keys(`*:4:test${key}`))[0]! }
}

test('a record that has expired is absent to every operation, even where Redis has not removed it', async () => {
  const { client, store, nameOf } = await opened()
  const completed = { retentionMs: BRIEF_MS, fingerprint: 'one' }
  await store.claim(request('completed', completed))
  await store.complete(request('completed'), 'lease of completed', Buffer.from('result'))
  await store.claim(request('running', { leaseMs: 1, lockTtlMs: BRIEF_MS, retentionMs: BRIEF_MS }))
  for (const key of ['completed', 'running']) expect(await client.persist(await nameOf(key))).toBe(1)

  for (const key of ['completed', 'running']) {
    const [id, leaseId] = [request(key), `lease of ${key}`]
    await eventually('its end', async () => (await store.get(id)) === undefined)
    expect((await store.list({ scope: 'test', limit: 10 })).records.map(record => record.key)).not.toContain(key)
    expect(await store.renew(id, leaseId, 1_000)).toBe('lost')
    expect(await store.complete(id, leaseId, Buffer.from('late'))).toEqual({ status: 'fenced' })
    expect(await store.fail(id, leaseId, 'late')).toBe('fenced')
    expect(await store.delete(id)).toBe('absent')
    expect(await store.claim(request(key, { fingerprint: 'two', maxLosses: 1 }))).toMatchObject({ attempt: 1 })
    expect(await store.get(id)).toMatchObject({ losses: 0, fingerprint: 'two' })
  }
})

test('fencing tokens rise over a clock that steps back: failure, takeover, deletion and expiry', async () => {
  const { client, store, nameOf } = await opened()
  const tokenOf = async (leaseId: string) => {
    const outcome = await store.claim(
      request('one', { leaseId, leaseMs: 1, retentionMs: BRIEF_MS, lockTtlMs: BRIEF_MS }),
    )
    return outcome.status === 'acquired' ? Number(outcome.fencingToken) : undefined
  }
  await tokenOf('a')
  const ahead = (Date.now() + 3_600_000) * 1000
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(ahead)
  // Where value.ts has the token: after a lease id of one letter.
  await client.setrange(await nameOf('one'), 55, bytes)
  expect((await store.get(request('one')))?.fencingToken).toBe(String(ahead))

  expect(await store.fail(request('one'), 'a', 'it broke')).toBe('failed')
  expect(await tokenOf('b')).toBe(ahead + 1)
  await store.delete(request('one'), { force: true })
  expect(await tokenOf('c')).toBe(ahead + 2)
  await eventually('the lease to end', async () => (await store.get(request('one')))?.leaseRemainingMs === 0)
  expect(await tokenOf('d')).toBe(ahead + 3)
  await client.persist(await nameOf('one'))
  await eventually('its expiry', async () => (await store.get(request('one'))) === undefined)
  expect(await tokenOf('e')).toBe(ahead + 4)
})
