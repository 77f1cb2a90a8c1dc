import { type Journal, StoreError } from 'hookonce'
import { memoryJournal, memoryStore } from 'hookonce/stores/memory'
import { ManualClock } from 'hookonce/testing'
import { pino } from 'pino'
import { afterAll, describe, expect, test } from 'vitest'
import { Figures } from '../../src/journal/figures.js'
import { Rhythms } from '../../src/journal/rhythm.js'
import { JournalWriter } from '../../src/journal/writer.js'
import { figuresJson } from '../../src/operator/figures-json.js'
import { fleetFigures } from '../../src/operator/fleet-figures.js'
import { closeApps, startApp } from '../support/app.js'
import { send } from '../support/http.js'

afterAll(closeApps)

const MINUTE = 60_000

describe('of several processes', () => {
  const clock = new ManualClock()
  const journal = memoryJournal({ clock })
  const writer = new JournalWriter(journal, pino({ level: 'silent' }))
  const figuresOf = (process: string) => new Figures(process, writer, clock)
  const read = async (range: '5m' | '1h' | '24h' | '7d' | '30d', figures: Figures, source?: string) => {
    await writer.flushed()
    const query = { range, source, now: clock.now() }
    const sources = new Map([['shop', {}]])
    const context = { journal, figures, sources, breakers: new Map(), rhythms: new Rhythms({ journal, figures }) }
    return figuresJson(query, await fleetFigures(context, query))
  }

  test('what they wrote adds up with what the one that is asked counts', async () => {
    const [one, two] = [figuresOf('one'), figuresOf('two')]
    one.answered('shop', 'executed', 10, clock.now())
    two.answered('shop', 'replayed', 1, clock.now())
    two.answered('gone', 'failed', 1000, clock.now())
    two.attemptEnded('gone', 'threw', clock.now())
    await clock.advance(2 * MINUTE)
    one.answered('shop', 'joined', 10, clock.now())
    two.answered('shop', 'joined', 10, clock.now())

    const figures = await read('5m', one)
    expect(figures).toMatchObject({
      ...{
        deliveries: 4,
        outcomes: { executed: 1, replayed: 1, joined: 1, failed: 1 },
        attempts: { threw: 1 },
        saved: 2,
      },
      ...{ step_ms: MINUTE, from: '2029-12-31T23:58:00.000Z', since: '2030-01-01T00:00:00.000Z' },
      series: {
        count: [null, null, 3, 0, 1],
        failing_share: [null, null, 0.3333, null, 0],
        hits: [null, null, 1, 0, 1],
      },
      sources: {
        shop: { deliveries: 3, saved: 2, attempts: {}, series: { count: [null, null, 2, 0, 1] } },
        gone: { deliveries: 1, saved: 0, attempts: { threw: 1 } },
      },
    })
    expect(figures.processes.sort()).toEqual(['one', 'two'])
    expect(figures.p99_ms).toBeGreaterThan(800)
    expect(figures.p99_ms).toBeLessThan(1200)
    expect(await read('5m', two)).toMatchObject({ deliveries: 4, saved: 2 })

    const ofShop = await read('5m', one, 'shop')
    expect(ofShop).toMatchObject({ source: 'shop', deliveries: 3, attempts: {} })
    expect(Object.keys(ofShop.sources)).toEqual(['shop'])
  })

  test('they are there after all have ended, in each range', async () => {
    await clock.advance(MINUTE)
    const later = figuresOf('three')
    for (const range of ['5m', '1h', '24h', '7d', '30d'] as const) {
      const { deliveries, processes, series } = await read(range, later)
      expect([range, deliveries, processes.sort()]).toEqual([range, 5, ['one', 'two']])
      expect(series.count.reduce((sum, count) => sum! + (count ?? 0), 0)).toBe(5)
      expect(series.count.length).toBeLessThanOrEqual(180)
    }
    await clock.advance(10 * MINUTE)
    expect(await read('5m', later)).toMatchObject({ deliveries: 0, p50_ms: null, processes: [] })
    expect(await read('1h', later)).toMatchObject({ deliveries: 5 })
  })

  test('more entries than a journal reads at once are all counted', async () => {
    const crowd = Array.from({ length: 1100 }, (_, i) => figuresOf(`of ${i}`))
    for (const figures of crowd) figures.answered('shop', 'executed', 1, clock.now())
    for (const figures of crowd) figures.closeMinute()
    const { deliveries, processes } = await read('5m', figuresOf('reader'))
    expect([deliveries, processes.length]).toEqual([1100, 1100])
  })
})

const get = (app: { url: string }, path: string) => send(app.url + path, { method: 'GET' })

test('deliveries, attempts and what was refused unread are counted as they come', async () => {
  const app = await startApp({ sources: { shop: { handle: () => Response.json({}) }, other: { maxBodyBytes: 10 } } })
  const deliver = (key: string) => send(`${app.url}/hooks/shop`, { headers: { 'x-idempotency-key': key } })
  await deliver('a')
  await deliver('a')
  await send(`${app.url}/hooks/other`, { body: 'longer than that' })
  await expect.poll(async () => (await get(app, '/api/figures?range=5m')).json.deliveries).toBe(3)
  const { json } = await get(app, '/api/figures')
  expect(json).toMatchObject({
    ...{ range: '1h', source: null, saved: 1, attempts: { recorded: 1 } },
    sources: {
      shop: { outcomes: { executed: 1, replayed: 1 }, saved: 1 },
      other: { outcomes: { invalid: 1 }, saved: 0 },
      default: { deliveries: 0, p50_ms: null },
    },
  })
  expect(json.processes).toHaveLength(1)
  expect(json.series.count.at(-1) + (json.series.count.at(-2) ?? 0)).toBe(3)
  expect((await get(app, '/api/figures?source=other')).json).toMatchObject({ source: 'other', deliveries: 1 })
})

test('an unknown range or source is refused', async () => {
  const app = await startApp()
  expect((await get(app, '/api/figures?range=2h')).status).toBe(400)
  expect((await get(app, '/api/figures?source=nobody')).status).toBe(404)
})

test('while the store fails nothing is made up', async () => {
  const store = memoryStore()
  const journal: Journal = {
    ...store.journal!,
    read: async () => {
      throw new StoreError('the store is away', 'refused')
    },
  }
  const app = await startApp({ store: { ...store, journal } })
  for (const path of ['/api/figures', '/api/processes']) {
    const { status, json } = await get(app, path)
    expect([status, json.code]).toEqual([503, 'store_unavailable'])
  }
})
