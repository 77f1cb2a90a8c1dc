import { afterAll, beforeAll, expect, test } from 'vitest'
import { closeApps, startApp } from '../support/app.js'
import { send } from '../support/http.js'

let app: Awaited<ReturnType<typeof startApp>>

beforeAll(async () => {
  app = await startApp({
    sources: {
      inbox: { mode: 'inbox', handle: () => Response.json({}) },
      all: { recordDelivery: 'all', redactHeaders: ['x-customer'] },
      failing: { handle: () => new Response('', { status: 503 }) },
      none: { recordDelivery: 'none' },
      hidden: { recordDelivery: 'all', recordBody: false },
    },
  })
})
afterAll(closeApps)

const get = (path: string) => send(app.url + path, { method: 'GET' })
const deliver = (source: string, key: string, body: string, headers = {}) =>
  send(`${app.url}/hooks/${source}`, { headers: { 'x-idempotency-key': key, ...headers }, body })
const listed = async (source: string, query = '') => (await get(`/api/deliveries?source=${source}${query}`)).json

interface Line {
  looked: number
  found: { source: string; key: string }[]
  done: boolean
}

async function found(query: string): Promise<{ last: Line; keys: string[] }> {
  const { text } = await get(`/api/deliveries/search?${query}`)
  const lines = text
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Line)
  return { last: lines.at(-1)!, keys: lines.flatMap(line => line.found.map(({ source, key }) => `${source} ${key}`)) }
}

test('each source lists what it keeps, newest first, and says which that is', async () => {
  for (let i = 0; i < 3; i++) {
    for (const source of ['inbox', 'all', 'failing', 'none']) await deliver(source, `key-${i}`, `{"order":${4710 + i}}`)
  }
  await deliver('all', 'key-0', '{"order":4710}')
  const kept = async (source: string) => {
    const { deliveries, kept } = await listed(source)
    return [kept, ...deliveries.map(({ key, outcome }: Record<string, string>) => `${key} ${outcome}`)]
  }
  expect(await kept('inbox')).toEqual(['accepted', 'key-2 accepted', 'key-1 accepted', 'key-0 accepted'])
  expect((await kept('all')).sort()).toEqual([
    'all',
    'key-0 executed',
    'key-0 replayed',
    'key-1 executed',
    'key-2 executed',
  ])
  expect(await kept('failing')).toEqual(['failed', 'key-2 failed', 'key-1 failed', 'key-0 failed'])
  expect(await kept('none')).toEqual(['none'])
})

test('without a source the newest of all are listed', async () => {
  const { deliveries } = (await get('/api/deliveries?limit=3')).json
  expect(deliveries[0]).toMatchObject({ source: 'all', key: 'key-0', outcome: 'replayed' })
  expect(new Set(deliveries.map(({ source }: { source: string }) => source)).size).toBeGreaterThan(1)
  expect((await get('/api/deliveries?after=1.a')).status).toBe(400)
})

test('a list is read in pages', async () => {
  for (const source of ['inbox', 'all', 'failing']) {
    const ids: string[] = []
    for (let after = ''; ; ) {
      const { deliveries, next } = await listed(source, `&limit=2${after}`)
      ids.push(...deliveries.map(({ id }: { id: string }) => id))
      if (next === undefined) break
      after = `&after=${encodeURIComponent(next)}`
    }
    expect(ids).toEqual((await listed(source)).deliveries.map(({ id }: { id: string }) => id))
  }
})

test('one is shown with its content, without what is hidden', async () => {
  await deliver('all', 'shown', '{"a":1}', { 'x-customer': 'Jane', authorization: 'Bearer secret' })
  const [{ id }] = (await listed('all')).deliveries
  const { json } = await get(`/api/delivery?source=all&id=${id}`)
  expect(json).toMatchObject({ key: 'shown', status: 200, whole: true, delivery: { method: 'POST', body: '{"a":1}' } })
  const headers = Object.fromEntries(json.delivery.headers)
  expect(headers['x-customer']).toBe('[redacted]')
  expect(JSON.stringify(json)).not.toContain('secret')
  expect((await get('/api/delivery?source=all&id=unknown')).status).toBe(404)
})

test('bodies are searched in every source that keeps some, with progress', async () => {
  const { last, keys } = await found('contains=%22order%22:4711')
  expect(keys.sort()).toEqual(['all key-1', 'failing key-1', 'inbox key-1'])
  expect(last).toMatchObject({ done: true, found: [] })
  expect(last.looked).toBeGreaterThanOrEqual(9)
  expect((await found('contains=%22order%22:4711&source=inbox')).keys).toEqual(['inbox key-1'])
  expect((await found('contains=4711&until=2020-01-01T00:00:00Z')).last).toEqual({ looked: 0, found: [], done: true })
  expect((await found('contains=nowhere-to-be-found')).keys).toEqual([])
})

test('what a source hides is neither shown nor searched', async () => {
  await deliver('hidden', 'key-1', '{"card":"4242"}')
  const [{ id }] = (await listed('hidden')).deliveries
  expect((await get(`/api/delivery?source=hidden&id=${id}`)).json.delivery.body).toBeNull()
  expect((await found('contains=4242')).keys).toEqual([])
})

test('reading changes no record', async () => {
  const records = async () => (await get('/api/records?limit=500')).json.records
  const before = await records()
  await listed('inbox')
  await found('contains=order')
  expect(await records()).toEqual(before)
})

test('wrong requests are refused', async () => {
  expect((await get('/api/deliveries/search')).status).toBe(400)
  expect((await get('/api/deliveries?source=unknown')).status).toBe(404)
  expect((await get('/api/deliveries?source=all&since=yesterday')).status).toBe(400)
})
