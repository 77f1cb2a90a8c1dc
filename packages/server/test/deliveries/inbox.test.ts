import { afterEach, expect, test } from 'vitest'
import { until } from '../process/support/until.js'
import { closeApps, startApp } from '../support/app.js'
import { type HttpResponse, send } from '../support/http.js'
import { startUpstream } from '../support/upstream.js'

afterEach(closeApps)

const deliver = (url: string, key: string, path = '/webhook') =>
  send(url + path, { headers: { 'content-type': 'application/json', 'x-idempotency-key': key }, body: '{"event":"e"}' })

const get = (url: string) => send(url, { method: 'GET' })

const stateOf = async (url: string, key: string, source = 'default') =>
  (await get(`${url}/webhook/idempotency/${key}?source=${source}`)).json.state

test('HOOKONCE_MODE=inbox: deliveries are acknowledged, then forwarded until the application accepts them', async () => {
  let calls = 0
  const upstream = await startUpstream((_, response) => {
    calls++
    response.writeHead(calls < 3 ? 503 : 200).end('done')
  })
  const { url } = await startApp({
    env: { HOOKONCE_MODE: 'inbox', HOOKONCE_FORWARD_TO: upstream.url },
    sources: { default: { retryDelaysSeconds: [0.01, 0.01, 0.01] } },
  })
  const first = await deliver(url, 'k')
  expect([first.status, first.json]).toEqual([202, { status: 'accepted', key: 'k' }])
  const record = await until('it is completed', async () => {
    const { json } = await get(`${url}/webhook/idempotency/k`)
    return json.state === 'completed' && json
  })
  expect([record.body, record.attempts, record.next_attempt_at, record.round]).toEqual(['done', 3, null, 1])
  expect(JSON.parse(record.delivery.body)).toEqual({ event: 'e' })
  const again = await deliver(url, 'k')
  expect([again.status, again.headers['x-cached'], again.json]).toEqual([202, 'true', first.json])
  expect(calls).toBe(3)
})

test('the event log is newest first, paged, by source, state and time; bodies on request', async () => {
  const { url } = await startApp({
    sources: {
      good: { mode: 'inbox', handle: () => Response.json({ ok: true }), acceptedStatus: 200 },
      bad: { mode: 'inbox', handle: () => new Response('no', { status: 410 }) },
    },
  })
  for (let i = 0; i < 5; i++) expect((await deliver(url, `g${i}`, '/hooks/good')).status).toBe(200)
  await deliver(url, 'b', '/hooks/bad')
  await until('it is dead', async () => (await stateOf(url, 'b', 'bad')) === 'dead')
  const keys = async (query: string) => {
    const { json } = await get(`${url}/webhook/events${query}`)
    return [json.events.map(({ key }: { key: string }) => key), json.next]
  }
  expect(await keys('?state=dead')).toEqual([['b'], null])
  expect(await keys('?source=good&limit=10')).toEqual([['g4', 'g3', 'g2', 'g1', 'g0'], null])
  const [page, next] = await keys('?source=good&limit=2')
  expect(page).toEqual(['g4', 'g3'])
  expect((await keys(`?source=good&limit=2&after=${next}`))[0]).toEqual(['g2', 'g1'])
  expect(await keys('?until=2000-01-01')).toEqual([[], null])
  const { json } = await get(`${url}/webhook/events?state=dead&bodies=true`)
  expect(JSON.parse(json.events[0].delivery.body)).toEqual({ event: 'e' })
  for (const wrong of ['state=gone', 'limit=0', 'since=yesterday-ish']) {
    expect((await get(`${url}/webhook/events?${wrong}`)).status).toBe(400)
  }
})

test('dead deliveries are redriven: one by its key, or many after confirmation, with progress', async () => {
  let works = false
  const { url } = await startApp({
    sources: {
      shop: {
        mode: 'inbox',
        handle: () => (works ? new Response('done') : new Response('no', { status: 500 })),
        retryDelaysSeconds: [],
      },
    },
  })
  const all = Array.from({ length: 30 }, (_, i) => `k${i}`)
  for (const key of all) await deliver(url, key, '/hooks/shop')
  const dead = async () => (await get(`${url}/webhook/events?state=dead&limit=500`)).json.events.length
  await until('all are dead', async () => (await dead()) === 30)

  works = true
  const one = await send(`${url}/webhook/events/redrive?source=shop&key=k0`, { method: 'POST' })
  expect(one.json).toEqual({ status: 'redriven', key: 'k0' })
  await until('k0 is completed', async () => (await stateOf(url, 'k0', 'shop')) === 'completed')
  const many = async (query: string) => send(`${url}/webhook/events/redrive?source=shop${query}`, { method: 'POST' })
  expect((await many('&dry_run=true')).json).toEqual({ would_redrive: 29 })
  expect((await many('&dry_run=true&limit=3')).json).toEqual({ would_redrive: 3 })
  expect((await many('&dry_run=true&error=no+such+error')).json).toEqual({ would_redrive: 0 })
  for (const confirm of ['', '&confirm=30', '&limit=5&confirm=29']) {
    const { status, json } = await many(confirm)
    expect([status, json.code, json.would_redrive]).toEqual([
      409,
      'redrive_unconfirmed',
      confirm.includes('limit') ? 5 : 29,
    ])
  }
  for (const wrong of ['&confirm=many', '&confirm=-1', '&key=k1&dry_run=true', '&key=k1&confirm=1']) {
    expect([wrong, (await many(wrong)).status]).toEqual([wrong, 400])
  }
  expect(await dead()).toBe(29)

  const last = (answer: HttpResponse) => JSON.parse(answer.text.trim().split('\n').at(-1)!)
  const five = await many('&limit=5&confirm=5')
  expect(five.headers['content-type']).toBe('application/x-ndjson')
  expect(last(five)).toMatchObject({ redriven: 5, done: true })
  expect(last(await many('&confirm=all'))).toMatchObject({ redriven: 24, done: true })
  await until('none is dead', async () => (await dead()) === 0)
  for (const key of all)
    await until(`${key} is completed`, async () => (await stateOf(url, key, 'shop')) === 'completed')
  const again = await send(`${url}/webhook/events/redrive?source=shop&key=absent`, { method: 'POST' })
  expect(again.status).toBe(404)
})

test('operators only', async () => {
  const { url } = await startApp({ env: { HOOKONCE_ADMIN_TOKEN: 'a-secret-token' } })
  expect((await get(`${url}/webhook/events`)).status).toBe(401)
  expect((await send(`${url}/webhook/events/redrive`, { method: 'POST' })).status).toBe(401)
})

test('a process without inbox concurrency still accepts', async () => {
  const { url } = await startApp({ env: { HOOKONCE_MODE: 'inbox', HOOKONCE_INBOX_CONCURRENCY: '0' } })
  expect((await deliver(url, 'k')).status).toBe(202)
  expect(await stateOf(url, 'k')).toBe('pending')
})
