import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { AGENDA, acceptance, keysOf, take } from './acceptance.js'
import { eventually, HOUR, open, request, server } from './support.js'

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

/** As if a record had been written before the clock stepped back by an hour. */
async function wasWrittenAnHourAhead(client: Redis, name: string): Promise<void> {
  const value = (await client.getBuffer(name))!
  // See value.ts. What settled is of a record that does not run a time.
  const times = [2, 18, 26, ...(/[FCDfc]/.test(value.toString('latin1', 0, 1)) ? [10] : [])]
  const leaseIdBytes = value.readUInt32LE(50)
  for (const at of [...times, 54 + leaseIdBytes + 8]) value.writeDoubleLE(value.readDoubleLE(at) + HOUR, at)
  await client.set(name, value)
}

test('a lease from before the clock stepped back ends after its own length', async () => {
  const { client, store, nameOf } = await opened()
  await store.claim(request('one', { leaseMs: 200 }))
  await store.claim(request('renewed'))
  await store.renew(request('renewed'), 'lease of renewed', 200)
  for (const key of ['one', 'renewed']) {
    await wasWrittenAnHourAhead(client, await nameOf(key))
    const again = request(key, { leaseId: 'another' })
    expect(await store.claim(again)).toEqual({ status: 'running', leaseRemainingMs: 200 })
    await eventually('the lease to be over', async () => (await store.claim(again)).status === 'acquired')
    expect(await store.get(again)).toMatchObject({ attempts: 2, losses: 1 })
  }
})

test('due times are corrected after the clock stepped back', async () => {
  const redis = await server()
  const client = new Redis(redis.url)
  onTestFinished(() => client.disconnect())
  const before = open(client)
  const keys = ['running', 'failed', 'redriven', 'claimed', 'pending']
  for (const key of keys.slice(0, 4)) await before.accept(acceptance(key))
  await take(before, 'a', { leaseMs: 200 })
  const id = (key: string) => ({ scope: 'test', key })
  await before.fail(id('failed'), 'a', 'it broke', { dueInMs: 200 })
  await before.fail(id('redriven'), 'a', 'it broke', 'dead')
  await before.redrive(id('redriven'))
  await before.fail(id('claimed'), 'a', 'it broke')
  await before.claim(request('claimed', { leaseMs: 200 }))
  await before.accept(acceptance('pending'))
  for (const key of keys) await wasWrittenAnHourAhead(client, (await client.keys(`*}:4:test${key}`))[0]!)
  for (const member of await client.zrange(AGENDA, '0', '-1')) await client.zincrby(AGENDA, HOUR, member)

  const store = open(client)
  const taken: string[] = []
  await eventually('all to be due', async () => {
    taken.push(...keysOf(await take(store, 'b')))
    return taken.length >= keys.length
  })
  expect(taken.sort()).toEqual(keys.sort())
})
