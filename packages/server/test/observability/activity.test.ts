import { channel } from 'node:diagnostics_channel'
import { get } from 'node:http'
import { setImmediate as endOfTurn } from 'node:timers/promises'
import { memoryStore } from 'hookonce/stores/memory'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { Activity } from '../../src/observability/activity/index.js'
import { LastMinute } from '../../src/observability/activity/last-minute.js'
import { LatencyHistogram } from '../../src/observability/activity/latency-histogram.js'
import { Metrics } from '../../src/observability/metrics/index.js'
import { StoreStatsCache } from '../../src/observability/store-stats.js'
import { closeApps, startApp } from '../support/app.js'
import { send } from '../support/http.js'

afterEach(closeApps)

/** What a receiver publishes of a delivery that it answered. */
const answered = (scope: string, outcome: string, status = 200, durationMs = 5) => ({
  type: 'delivery_answered' as const,
  scope,
  key: 'k',
  requestId: 'r',
  outcome: outcome as 'executed',
  status,
  durationMs,
  ageMs: null,
})

const sources = new Map([
  ['default', {}],
  ['shop', { inbox: {} }],
])

const storeStatsOf = (store = memoryStore()) => new StoreStatsCache(store, sources)

function activityOf(storeStats = storeStatsOf()) {
  const metrics = new Metrics({ sources, storeStats, running: () => new Map() })
  return new Activity({ sources, storeStats, metrics, duplicates: { add() {} } })
}

const publish = (event: object) => channel('hookonce:activity').publish(event)

describe('the last minute', () => {
  test('has the counts, the rate, the hit rate and the latencies', () => {
    const window = new LastMinute(0)
    window.count('executed', 1, 500)
    window.countAttempt('recorded', 500)
    window.countAttempt('threw', 30_000)
    for (let i = 0; i < 99; i++) window.count('replayed', 10, 30_000)
    expect(window.snapshot(50_000)).toMatchObject({
      seconds: 50,
      rate: 2,
      hit_rate: 0.99,
      by_outcome: { executed: 1, replayed: 99 },
      attempts: { recorded: 1, threw: 1 },
    })
    expect(window.snapshot(60_500)).toMatchObject({ by_outcome: { replayed: 99 }, attempts: { threw: 1 } })
    expect(window.snapshot(90_000)).toEqual({
      seconds: 60,
      rate: 0,
      hit_rate: null,
      by_outcome: {},
      attempts: {},
      p50_ms: null,
      p95_ms: null,
      p99_ms: null,
    })
    window.count('invalid', 1, 90_000)
    expect(window.snapshot(90_001)).toMatchObject({ hit_rate: null, by_outcome: { invalid: 1 } })
  })

  test.each([0.001, 0.5, 3, 10, 250, 30_000, 1e9])('a quantile of %d ms is right to within a tenth', ms => {
    const latencies = new LatencyHistogram()
    for (let i = 0; i < 10; i++) latencies.count(ms)
    const found = latencies.quantile(0.95)!
    const within = Math.min(Math.max(ms, 0.01), 1_230_000)
    expect(found / within).toBeGreaterThan(0.95)
    expect(found / within).toBeLessThan(1.1)
  })

  test('quantiles are of all that was counted', () => {
    const latencies = new LatencyHistogram()
    for (let i = 0; i < 98; i++) latencies.count(1)
    latencies.count(100)
    latencies.count(1000)
    expect(latencies.quantile(0.5)).toBeLessThan(1.1)
    expect(latencies.quantile(0.99)).toBeGreaterThan(95)
    expect(latencies.quantile(0.99)).toBeLessThan(110)
  })
})

test('the last twenty deliveries of a source are kept, newest first, and the last twenty failures', async () => {
  const activity = activityOf()
  const unsubscribe = activity.subscribe()
  publish(answered('default', 'mismatch', 422))
  for (let i = 0; i < 30; i++) publish(answered('default', 'executed', 200, i))
  publish(answered('/webhook/no-idempotency', 'failed', 500))
  publish(answered('unknown', 'failed', 500))
  await endOfTurn()
  unsubscribe()
  const bySource = await activity.bySource()
  const { recent, problems } = bySource.get('default')!
  expect([recent.length, recent[0]?.outcome, recent[1]?.ms, recent[19]?.ms]).toEqual([20, 'failed', 29, 11])
  expect(recent[0]).toMatchObject({ key: 'k', request_id: 'r' })
  expect(problems.map(({ outcome, status }) => `${outcome} ${status}`)).toEqual(['failed 500', 'mismatch 422'])
  expect(bySource.get('shop')).toMatchObject({ recent: [], problems: [], attempts: [] })
})

test('the snapshot has counts by source and outcome, waiting duplicates, lost leases and store errors', async () => {
  const store = Object.assign(memoryStore(), { backlog: async () => ({ inLine: 3, overdueMs: 1_000, dead: 2 }) })
  const storeStats = storeStatsOf(store)
  const activity = activityOf(storeStats)
  const unsubscribe = activity.subscribe()
  publish(answered('default', 'executed'))
  publish(answered('default', 'mismatch', 422))
  publish(answered('shop', 'in_progress', 409))
  publish({ type: 'waiting_changed', waiting: 4 })
  publish({ type: 'store_asked', operation: 'claim', durationMs: 1, failed: true })
  channel('hookonce').publish({ type: 'attempt_lost', scope: 'default', key: 'k', attempt: 1, reason: 'lease' })
  channel('hookonce').publish({ type: 'attempt_taken_over', scope: 'default', key: 'k', attempt: 2, durationMs: 0 })
  publish({ type: 'attempt_ended', scope: 'shop', key: 'k', attempt: 2, end: 'threw', durationMs: 3, handlerMs: 3 })
  await endOfTurn()
  expect(await activity.snapshot(7)).toMatchObject({
    totals: { default: { executed: 1, mismatch: 1 }, shop: { in_progress: 1 } },
    window: { by_outcome: { executed: 1, mismatch: 1, in_progress: 1 }, attempts: { threw: 1 }, hit_rate: 0 },
    in_flight: 7,
    waiters: 4,
    lost_leases: 1,
    takeovers: 1,
    store: { name: 'memory', state: 'failing', errors: 1 },
    inbox: { shop: { pending: 3, dead: 2, as_of: expect.any(String) } },
    event_loop_lag_ms: 0,
  })
  expect((await activity.bySource()).get('shop')).toMatchObject({
    inbox: { pending: 3, dead: 2 },
    attempts: [{ key: 'k', attempt: 2, end: 'threw', ms: 3 }],
  })
  unsubscribe()
  publish(answered('default', 'executed'))
  await endOfTurn()
  expect((await activity.bySource()).get('default')!.recent).toHaveLength(2)
})

test('a store that does not answer delays a reader by a second at most, and has one pending read', async () => {
  let asked = 0
  const store = Object.assign(memoryStore(), {
    stats: () => {
      asked++
      return new Promise<never>(() => {})
    },
  })
  const activity = activityOf(storeStatsOf(store))
  const [sources, { store: shown }] = await Promise.all([activity.bySource(), activity.snapshot(0)])
  expect(sources.get('default')!.recent).toEqual([])
  expect(shown).toEqual({ name: 'memory', state: 'ok', as_of: null, errors: 0 })
  expect(asked).toBe(1)
})

test('figures are read before they are shown, however long ago somebody looked, and unknown ones are not 0', async () => {
  const backlog = vi.fn(async () => ({ inLine: 3, overdueMs: 0, dead: 2 }))
  const activity = activityOf(storeStatsOf(Object.assign(memoryStore(), { backlog })))
  vi.useFakeTimers({ toFake: ['performance', 'Date'] })
  onTestFinished(() => void vi.useRealTimers())
  expect((await activity.snapshot(0)).inbox.shop).toMatchObject({ pending: 3 })
  backlog.mockResolvedValue({ inLine: 7, overdueMs: 0, dead: 2 })
  vi.advanceTimersByTime(3_600_000)
  const { inbox, store } = await activity.snapshot(0)
  expect(inbox.shop).toMatchObject({ pending: 7, as_of: new Date().toISOString() })
  expect(store.as_of).toBe(new Date().toISOString())

  backlog.mockRejectedValue(new Error('the store is away'))
  vi.advanceTimersByTime(6_000)
  expect((await activity.snapshot(0)).inbox.shop).toEqual({
    pending: null,
    dead: null,
    oldest_due_at: null,
    as_of: null,
  })
})

test('the stream has the overview and the deliveries of each second', async () => {
  const { url } = await startApp()
  let text = ''
  const request = get(`${url}/api/stream`, response => {
    expect(response.headers['content-type']).toBe('text/event-stream')
    response.setEncoding('utf8').on('data', chunk => {
      text += chunk
    })
  })
  const events = (name: string) =>
    [...text.matchAll(/event: (\w+)\ndata: (.*)\n\n/g)]
      .filter(([, kind]) => kind === name)
      .map(([, , data]) => JSON.parse(data!))
  await expect.poll(() => events('overview').length, { timeout: 10_000 }).toBeGreaterThan(0)
  for (let i = 0; i < 500; i++) publish(answered('default', 'replayed'))
  await expect.poll(() => events('delivery').length, { timeout: 10_000 }).toBe(1)
  const [deliveries] = events('delivery')
  expect(deliveries).toHaveLength(200)
  expect(deliveries[0]).toEqual({
    ...{ at: expect.any(String), source: 'default', key: 'k', request_id: 'r' },
    ...{ outcome: 'replayed', status: 200, ms: 5 },
  })
  expect(events('overview').at(-1).totals).toEqual({ default: { replayed: 500 } })
  request.destroy()
  expect((await send(`${url}/api/overview`, { method: 'GET' })).json.totals).toEqual({ default: { replayed: 500 } })
})
