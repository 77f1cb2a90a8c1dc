import type { Store } from 'hookonce'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { expect, onTestFinished, test } from 'vitest'
import { insist, open, request, server } from './support.js'

const KILLS = Number(process.env.HOOKONCE_TEST_REDIS_KILLS ?? 15)
const KEYS = 40

/** What clients were told of one key. */
interface History {
  results: Set<string>
  attempts: Map<string, string>
}

/** Claims, and completes or fails what it got, under a lease id of its own each time; tells what it was told. */
async function attempt(store: Store, key: string, leaseId: string, { results, attempts }: History): Promise<void> {
  const claim = await store.claim(request(key, { leaseId, leaseMs: 50, maxLosses: 1e9 }))
  if (claim.status === 'completed') results.add(Buffer.from(claim.result).toString())
  if (claim.status !== 'acquired') return
  const before = attempts.get(claim.fencingToken)
  if (before !== undefined && before !== leaseId) throw new Error(`${key}: ${before} and ${leaseId} share a token`)
  attempts.set(claim.fencingToken, leaseId)
  if (Math.random() < 0.5) await store.fail(request(key), leaseId, 'it broke')
  else {
    const { status } = await store.complete(request(key), leaseId, Buffer.from(leaseId))
    if (status === 'completed') results.add(leaseId)
  }
}

test(`a Redis that flushes each write is killed ${KILLS} times under load: no result is lost or doubled`, {
  timeout: 30_000 + 2_000 * KILLS,
}, async () => {
  const redis = await server({ appendfsync: 'always' })
  const options = { commandTimeoutMs: 300 }
  const ioredis = new Redis(redis.url)
  ioredis.on('error', () => {})
  const nodeRedis = await createClient({ url: redis.url })
    .on('error', () => {})
    .connect()
  onTestFinished(() => ioredis.disconnect())
  onTestFinished(() => nodeRedis.destroy())
  const stores = [open(redis.url, options), open(ioredis, options), open(nodeRedis, options)]
  const histories = new Map<string, History>()
  const failures = new Set<string>()
  let round = 0
  let running = true

  const work = Array.from({ length: 12 }, async (_, worker) => {
    const store = stores[worker % stores.length]!
    for (let i = 0; running; i++) {
      // Few keys a round, so that clients meet on them; new ones each round, so that there is something to lose.
      const key = `key ${round} ${Math.floor(Math.random() * KEYS)}`
      const history: History = histories.get(key) ?? { results: new Set(), attempts: new Map() }
      histories.set(key, history)
      await attempt(store, key, `${worker}.${i}`, history).catch(error => {
        if (error.code !== 'ERR_STORE') throw error
        failures.add(error.effect)
      })
    }
  })
  const done = Promise.all(work)
  const recorded = () => [...histories.values()].filter(({ results }) => results.size > 0).length
  for (; round < KILLS; round++) {
    const before = recorded()
    await Promise.race([done, waitUntil(() => recorded() >= before + KEYS / 4)])
    await redis.kill()
    await redis.restart()
  }
  running = false
  await done

  expect(failures).toContain('unknown')
  for (const [key, { results, attempts }] of histories) {
    expect(results.size, `results of ${key}: ${[...results]}`).toBeLessThanOrEqual(1)
    const record = await insist(() => stores[0]!.get(request(key)))
    if (results.size === 1) {
      expect(record).toMatchObject({ state: 'completed', result: Buffer.from([...results][0]!) })
      expect(Math.max(...[...attempts.keys()].map(Number))).toBeLessThanOrEqual(Number(record!.fencingToken))
    }
  }
})

async function waitUntil(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setTimeout(resolve, 5))
}
