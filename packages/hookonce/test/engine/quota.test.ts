import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { join } from 'node:path'
import {
  createInbox,
  createReceiver,
  Delivery,
  EVENTS_CHANNEL,
  type HookonceEvent,
  type InboxStore,
  type SourceSettings,
  systemClock,
} from 'hookonce'
import { memoryStore } from 'hookonce/stores/memory'
import { postgresStore } from 'hookonce/stores/postgres'
import { redisStore } from 'hookonce/stores/redis'
import { sqliteStore } from 'hookonce/stores/sqlite'
import { afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { startPostgres } from '../../../../scripts/test-servers/postgres.js'
import { startRedis } from '../../../../scripts/test-servers/redis.js'
import { requireTool, TOOL_TIMEOUT_MS } from '../../../../scripts/test-tools/index.js'
import { temporaryFolder } from '../stores/sqlite/support.js'

beforeAll(() => requireTool('redis'), TOOL_TIMEOUT_MS)

const stores: Record<string, () => Promise<InboxStore>> = {
  memory: async () => memoryStore(),
  sqlite: async () => sqliteStore(join(temporaryFolder(), 'hookonce.db')),
  async redis() {
    const { url, stop } = await startRedis()
    onTestFinished(stop)
    return redisStore(url, { commandTimeoutMs: 20_000 })
  },
  async postgres() {
    const { url, stop } = await startPostgres()
    onTestFinished(stop)
    return postgresStore(url, { timeoutMs: 20_000 })
  },
}

/** What the store keeps is looked at every ten seconds: they pass when told to. */
let skippedMs = 0
const clock = { ...systemClock, monotonic: () => skippedMs }
const LOOK_MS = 10_000

let events: HookonceEvent[] = []
const collect = (event: unknown) => void events.push(event as HookonceEvent)
beforeEach(() => {
  events = []
  subscribe(EVENTS_CHANNEL, collect)
})
afterEach(() => void unsubscribe(EVENTS_CHANNEL, collect))
const fullEvents = () => events.filter(event => event.type === 'source_full')

const BODY = 'x'.repeat(1000)

/** Two sources of one store, the second with limits. Inline, their handlers answer with what came. */
function open(from: InboxStore, mode: 'inline' | 'inbox', limits: SourceSettings) {
  let looks = 0
  const usage = async (scope: string) => {
    const found = await from.usage!(scope)
    looks++
    return found
  }
  const store = from.usage === undefined ? from : { ...from, usage }
  const receiver = createReceiver({ store, clock, leaseMs: 100_000, storeTimeoutMs: 20_000 })
  onTestFinished(() => receiver.close())
  let runs = 0
  const handler = async (delivery: Delivery) => {
    runs++
    return { status: 200, headers: [], body: delivery.body }
  }
  const inbox = createInbox({ receiver, handlers: { other: handler, limited: { handler, ...limits } } })
  const sources = {
    other: receiver.source({ name: 'other' }),
    limited: receiver.source({ name: 'limited', ...limits }),
  }
  const deliver = (key: string, source: 'other' | 'limited' = 'limited', body = BODY) => {
    const headers = [['x-idempotency-key', key]] as const
    const delivery = new Delivery({ method: 'POST', url: `/${source}`, headers, body: Buffer.from(body) })
    return mode === 'inbox'
      ? inbox.source(source).receive(delivery, handler)
      : sources[source].receive(delivery, handler)
  }
  return { receiver, deliver, runs: () => runs, looks: () => looks }
}

/** So many new keys, a few at a time; the keys that were taken. */
async function flood({ deliver }: Pick<ReturnType<typeof open>, 'deliver'>, count: number, name: string) {
  const taken: string[] = []
  let next = 0
  const work = async () => {
    while (next < count) {
      const key = `${name} ${next++}`.replace(' ', '-')
      const { status, outcome } = await deliver(key)
      if (outcome === 'full') expect(status).toBe(507)
      else taken.push(key)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return taken
}
const AT_ONCE = 5

describe.each(Object.keys(stores))('%s', name => {
  describe.each(['inline', 'inbox'] as const)('%s', mode => {
    test('a flood of new keys is stopped at the limit, and harms nobody else', async () => {
      const opened = open(await stores[name]!(), mode, { maxRecords: 40 })
      const { deliver, receiver } = opened
      // The first delivery has the store looked at.
      await deliver('first')
      await expect.poll(opened.looks).toBe(1)
      const taken = await flood(opened, 200, 'flood')
      expect(taken.length).toBeGreaterThanOrEqual(39)
      expect(taken.length).toBeLessThan(40 + AT_ONCE)
      if (mode === 'inline') expect(opened.runs()).toBe(taken.length + 1)
      expect(fullEvents()).toEqual([
        {
          type: 'source_full',
          scope: 'limited',
          key: null,
          requestId: null,
          full: true,
          limit: 'maxRecords',
          most: 40,
        },
      ])

      const refused = await deliver('one-more')
      expect(JSON.parse(Buffer.from(refused.body).toString())).toMatchObject({
        code: 'source_full',
        detail: expect.stringContaining('maxRecords'),
      })
      expect(refused.headers).toContainEqual(['retry-after', '60'])
      expect(await receiver.record('limited', 'one-more')).toBeUndefined()
      expect((await deliver(taken[0]!)).outcome).toBe('replayed')
      expect(['executed', 'accepted']).toContain((await deliver('one-more', 'other')).outcome)

      for (const key of taken.slice(0, 20)) expect(await receiver.deleteRecord('limited', key)).toBe('deleted')
      expect((await deliver('still-one-more')).outcome).toBe('full')
      skippedMs += LOOK_MS
      expect(['executed', 'accepted']).toContain((await deliver('room')).outcome)
      expect(fullEvents().map(event => event.type === 'source_full' && event.full)).toEqual([true, false])
    })

    test('bytes have a limit as well', async () => {
      const opened = open(await stores[name]!(), mode, { maxStoredBytes: 200_000 })
      await opened.deliver('first')
      await expect.poll(opened.looks).toBe(1)
      const taken = await flood(opened, 300, 'flood')
      expect(taken.length).toBeGreaterThan(50)
      expect(taken.length).toBeLessThan(200)
      expect(fullEvents()).toMatchObject([{ full: true, limit: 'maxStoredBytes', most: 200_000 }])
    })
  })
})

test('a record that expires makes room', async () => {
  let now = 0
  const opened = open(memoryStore({ clock: { ...clock, now: () => now } }), 'inline', {
    maxRecords: 10,
    retentionMs: 1000,
  })
  await opened.deliver('first')
  await flood(opened, 20, 'flood')
  expect((await opened.deliver('one')).outcome).toBe('full')
  now += 1000
  skippedMs += LOOK_MS
  expect((await opened.deliver('one')).outcome).toBe('executed')
})

test('a source that was full before this process began is full soon', async () => {
  const store = memoryStore()
  await flood(open(store, 'inline', {}), 20, 'before')
  const { deliver } = open(store, 'inline', { maxRecords: 10 })
  await deliver('one')
  await expect.poll(fullEvents).toHaveLength(1)
  expect((await deliver('two')).outcome).toBe('full')
})

test.each([0, Number.POSITIVE_INFINITY])('%d is no limit, and the store is not asked for it', async none => {
  const opened = open(memoryStore(), 'inline', { maxRecords: none, maxStoredBytes: none })
  expect(await flood(opened, 50, 'flood')).toHaveLength(50)
  expect(opened.looks()).toBe(0)
})

test.each([-1, Number.NaN])('%d is refused as a limit', most => {
  const receiver = createReceiver({ store: memoryStore() })
  expect(() => receiver.source({ name: 'a', maxRecords: most })).toThrow(
    'maxRecords must be a number from 0 to Infinity',
  )
  expect(() => receiver.source({ name: 'a', maxStoredBytes: most })).toThrow('maxStoredBytes')
})

describe('a store that cannot tell what it keeps refuses nothing', () => {
  test.each([
    ['it knows not', async () => ({})],
    ['it fails', async () => Promise.reject(new Error('no idea'))],
  ])('%s', async (_, usage) => {
    const opened = open({ ...memoryStore(), usage }, 'inline', { maxRecords: 5 })
    expect(await flood(opened, 30, 'one')).toHaveLength(30)
    skippedMs += LOOK_MS
    expect(await flood(opened, 30, 'two')).toHaveLength(30)
  })

  test('it has no word for it', async () => {
    const { usage: _, ...store } = memoryStore()
    expect(await flood(open(store, 'inline', { maxRecords: 5 }), 30, 'one')).toHaveLength(30)
  })

  test('it fails once the source is full', async () => {
    const store = memoryStore()
    let fails = false
    const usage = (scope: string) => (fails ? Promise.reject(new Error('no idea')) : store.usage!(scope))
    const opened = open({ ...store, usage }, 'inline', { maxRecords: 5 })
    await opened.deliver('first')
    await expect.poll(opened.looks).toBe(1)
    await flood(opened, 30, 'one')
    expect(fullEvents()).toHaveLength(1)
    fails = true
    skippedMs += LOOK_MS
    expect((await opened.deliver('two')).outcome).toBe('executed')
    expect(events).toContainEqual(expect.objectContaining({ type: 'store_failed', operation: 'usage' }))
  })
})

test('under the limit the store is asked once for what it keeps, however many are delivered', async () => {
  const opened = open(memoryStore(), 'inline', {})
  expect(await flood(opened, 500, 'flood')).toHaveLength(500)
  skippedMs += LOOK_MS
  expect(await flood(opened, 500, 'more')).toHaveLength(500)
  expect(opened.looks()).toBe(1)
})
