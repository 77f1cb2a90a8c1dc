import { bearer, github } from 'hookonce/senders'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DeliveryFunction } from '../../src/config/file.js'
import { closeApps, startApp } from '../support/app.js'
import { send } from '../support/http.js'
import { sendSigned, signed } from '../support/signed.js'

const TOKEN = 'a-long-enough-token-0123456789'
const sender = github({ secrets: ['a-long-enough-secret-0123456789'] })

let app: Awaited<ReturnType<typeof startApp>>
let isBroken = true
const handled: { key: string | null; attempt: number; body: string; authorization: string | undefined }[] = []

beforeAll(async () => {
  const handle: DeliveryFunction = (delivery, { key, number }) => {
    const body = Buffer.from(delivery.body).toString()
    handled.push({ key, attempt: number, body, authorization: delivery.header('authorization') })
    if (isBroken) return new Response('the database is away', { status: 503 })
    return Response.json({ done: body })
  }
  app = await startApp({
    sources: {
      orders: { handle, redactHeaders: ['x-customer'] },
      github: { handle, sender },
      token: { handle, sender: bearer({ tokens: [TOKEN] }) },
      all: { handle, recordDelivery: 'all' },
      none: { handle, recordDelivery: 'none' },
      hidden: { handle, recordBody: false },
      redacted: { handle, redactDelivery: () => ({ body: '{}' }) },
      secret: { handle, redactDelivery: () => null },
      broken: {
        handle,
        redactDelivery: () => {
          throw new Error('no such field')
        },
      },
      large: { handle },
      many: { handle },
    },
  })
})
afterAll(closeApps)

const get = (path: string) => send(app.url + path, { method: 'GET' })
const change = (path: string) => send(app.url + path, { headers: { 'x-hookonce-operator': '1' } })

const deliver = (source: string, key: string, body = '{"order":4711}', headers = {}) =>
  send(`${app.url}/hooks/${source}`, { headers: { 'x-idempotency-key': key, ...headers }, body })

const failedOf = async (source: string): Promise<{ key: string }[]> =>
  (await get(`/api/failed?source=${source}`)).json.failed
const keysOf = async (source: string) => (await failedOf(source)).map(({ key }) => key)

test('what failed is kept before its sender is told, and shown', async () => {
  isBroken = true
  const { status } = await deliver('orders', 'key-1', '{"order":4711}', {
    'x-customer': 'Jane',
    'x-request-id': 'id-1',
  })
  expect(status).toBe(503)
  expect(await failedOf('orders')).toMatchObject([
    { source: 'orders', key: 'key-1', status: 503, outcome: 'failed', request_id: 'id-1', bytes: 14, replayable: true },
  ])
  const { delivery } = (await get('/api/failed/delivery?source=orders&key=key-1')).json
  expect(delivery).toMatchObject({ method: 'POST', url: '/hooks/orders', body: '{"order":4711}' })
  expect(Object.fromEntries(delivery.headers)).toMatchObject({ 'x-customer': '[redacted]' })
})

test('a replay runs it under its key, once, and it is no longer listed', async () => {
  isBroken = true
  await deliver('orders', 'key-2')
  expect((await change('/api/failed/replay?source=orders&key=key-2')).json).toMatchObject({ status: 503 })
  expect(await keysOf('orders')).toContain('key-2')
  isBroken = false
  const calls = handled.length
  const first = await change('/api/failed/replay?source=orders&key=key-2')
  expect(first.json).toMatchObject({ status: 200, body: '{"done":"{\\"order\\":4711}"}' })
  expect(handled.slice(calls)).toMatchObject([{ key: 'key-2', attempt: 3 }])
  expect(await keysOf('orders')).not.toContain('key-2')
  expect((await change('/api/failed/replay?source=orders&key=key-2')).status).toBe(404)
  expect((await deliver('orders', 'key-2')).headers['x-cached']).toBe('true')
  expect(handled.length).toBe(calls + 1)
  expect(app.lines()).toContainEqual(expect.objectContaining({ audit: true, action: 'replay', key: 'key-2' }))
})

test("what its sender's own retry mended is not listed, and a replay of it runs nothing", async () => {
  isBroken = true
  await deliver('orders', 'key-3')
  isBroken = false
  await deliver('orders', 'key-3')
  const calls = handled.length
  const { json } = await change('/api/failed/replay?source=orders&key=key-3')
  expect(Object.fromEntries(json.headers)).toMatchObject({ 'x-cached': 'true' })
  expect(handled.length).toBe(calls)
  isBroken = true
  await deliver('orders', 'key-4')
  isBroken = false
  await deliver('orders', 'key-4')
  expect(await keysOf('orders')).not.toContain('key-4')
})

test('many are replayed once their number is confirmed, none twice', async () => {
  isBroken = true
  const keys = Array.from({ length: 120 }, (_, i) => `many-${i}`)
  await Promise.all(keys.map(key => deliver('many', key)))
  isBroken = false
  await deliver('many', 'many-7')
  expect((await change('/api/failed/replay?source=many&dry_run=true')).json).toEqual({ would_replay: 119 })
  const unconfirmed = await change('/api/failed/replay?source=many&confirm=3')
  expect([unconfirmed.status, unconfirmed.json]).toMatchObject([409, { code: 'replay_unconfirmed', would_replay: 119 }])
  const calls = handled.length
  const done = await change('/api/failed/replay?source=many&confirm=119')
  const lines = done.text
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  expect(lines.at(-1)).toEqual({ replayed: 119, succeeded: 119, failed: 0, done: true })
  expect(lines.length).toBeGreaterThan(5)
  const replayed = handled.slice(calls).map(({ key }) => key)
  expect(new Set(replayed).size).toBe(119)
  expect(replayed).toHaveLength(119)
  expect(await keysOf('many')).toEqual([])
  expect(app.lines()).toContainEqual(
    expect.objectContaining({ audit: true, action: 'replay_many', source: 'many', count: 119, outcome: 'replayed' }),
  )
})

test('of many that fail again each is called once in a replay, and stays', async () => {
  isBroken = true
  const keys = Array.from({ length: 60 }, (_, i) => `again-${i}`)
  await Promise.all(keys.map(key => deliver('many', key)))
  const calls = handled.length
  const done = await change('/api/failed/replay?source=many&confirm=all')
  expect(JSON.parse(done.text.trim().split('\n').at(-1)!)).toEqual({
    replayed: 60,
    succeeded: 0,
    failed: 60,
    done: true,
  })
  expect(handled.length).toBe(calls + 60)
  expect((await change('/api/failed/replay?source=many&dry_run=true')).json).toEqual({ would_replay: 60 })
  expect((await change('/api/failed/replay?source=many&dry_run=true&until=2020-01-01T00:00:00Z')).json).toEqual({
    would_replay: 0,
  })
})

test('a signed delivery is replayed without its signature being checked once more', async () => {
  isBroken = true
  expect((await sendSigned(`${app.url}/hooks/github`, sender, { body: '{"a":1}' })).status).toBe(503)
  const [key] = await keysOf('github')
  isBroken = false
  expect((await change(`/api/failed/replay?source=github&key=${key}`)).json.status).toBe(200)
  expect((await sendSigned(`${app.url}/hooks/github`, sender, { body: '{"a":1}' })).headers['x-cached']).toBe('true')
})

test('credentials are not kept', async () => {
  isBroken = true
  const event = signed(bearer({ tokens: [TOKEN] }), { body: '{"a":2}', headers: { 'idempotency-key': 'b-1' } })
  expect((await send(`${app.url}/hooks/token`, event)).status).toBe(503)
  const [key] = await keysOf('token')
  const { text } = await get(`/api/failed/delivery?source=token&key=${key}`)
  expect(text).not.toContain(TOKEN)
})

test.each(['none', 'hidden', 'secret', 'broken'])('a source that keeps no deliveries keeps none: %s', async source => {
  isBroken = true
  expect((await deliver(source, 'key-1')).status).toBe(503)
  expect(await failedOf(source)).toEqual([])
})

test('what redactDelivery fails at is logged', async () => {
  isBroken = true
  await deliver('broken', 'key-2')
  expect(app.lines()).toContainEqual(
    expect.objectContaining({ level: 50, source: 'broken', msg: 'a delivery was not kept' }),
  )
})

test('what is kept in another form is shown so, and is not replayed', async () => {
  isBroken = true
  await deliver('redacted', 'key-1', '{"card":"4242"}')
  const large = JSON.stringify({ text: 'x'.repeat(300_000) })
  await deliver('large', 'key-1', large)
  expect(await failedOf('redacted')).toMatchObject([{ replayable: false, bytes: 15 }])
  expect(await failedOf('large')).toMatchObject([{ replayable: false, bytes: large.length }])
  expect((await get('/api/failed/delivery?source=redacted&key=key-1')).json.delivery.body).toBe('{}')
  for (const source of ['redacted', 'large']) {
    const { status, json } = await change(`/api/failed/replay?source=${source}&key=key-1`)
    expect([status, json.code]).toEqual([409, 'failed_incomplete'])
    expect((await change(`/api/failed/replay?source=${source}&dry_run=true`)).json).toEqual({ would_replay: 0 })
  }
})

test('a delivery without a key cannot be replayed, and is not kept', async () => {
  isBroken = true
  expect((await send(`${app.url}/hooks/orders`, { body: '{}' })).status).toBe(503)
  expect(await keysOf('orders')).not.toContain(null)
})

test('wrong requests are refused', async () => {
  expect((await change('/api/failed/replay?source=unknown&dry_run=true')).status).toBe(404)
  expect((await change('/api/failed/replay?source=orders&key=k&dry_run=true')).status).toBe(400)
  expect((await change('/api/failed/replay?source=orders&confirm=some')).status).toBe(400)
  expect((await get('/api/failed?source=orders&since=yesterday')).status).toBe(400)
  expect((await send(`${app.url}/api/failed/replay?source=orders&confirm=all`)).status).toBe(403)
})
