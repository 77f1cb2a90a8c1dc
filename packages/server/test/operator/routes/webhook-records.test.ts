import { memoryStore } from 'hookonce/stores/memory'
import { afterAll, expect, test } from 'vitest'
import { closeApps, startApp } from '../../support/app.js'
import { send } from '../../support/http.js'

const KEY = 'X-Idempotency-Key'

afterAll(closeApps)

const at = (url: string, key: string, query = '') => `${url}/webhook/idempotency/${encodeURIComponent(key)}${query}`

test('a record has every field', async () => {
  const handle = () => {
    const headers = new Headers({ 'content-type': 'text/plain' })
    headers.append('x-multi', '1')
    return new Response('hello', { status: 201, headers })
  }
  const { url } = await startApp({ sources: { shop: { handle } } })
  await send(`${url}/hooks/shop`, { headers: { [KEY]: 'a' } })
  const { json } = await send(at(url, 'a', '?source=shop'), { method: 'GET' })
  expect(json).toEqual({
    key: 'a',
    label: null,
    source: 'shop',
    state: 'completed',
    attempts: 1,
    losses: 0,
    status_code: 201,
    headers: { 'content-type': 'text/plain', 'x-multi': '1' },
    body: 'hello',
    body_encoding: 'utf8',
    body_omitted: false,
    cached_at: expect.any(String),
    expires_at: expect.any(String),
    lease_ends_at: null,
    last_error: null,
    fencing_token: expect.stringMatching(/^\d+$/),
    history: [expect.objectContaining({ number: 1, outcome: 'recorded' })],
    created_at: expect.any(String),
    duplicates: { count: 0, first_at: null, last_at: null, at_least: false },
  })
  expect(Date.parse(json.expires_at) - Date.parse(json.cached_at)).toBe(3_600_000)
  expect((await send(at(url, 'a'), { method: 'GET' })).json.code).toBe('not_found')
})

test('a body that is not UTF-8 is shown in base64', async () => {
  const { url } = await startApp({ sources: { default: { handle: () => new Response(new Uint8Array([0, 255])) } } })
  await send(`${url}/webhook`, { headers: { [KEY]: 'a' } })
  const { json } = await send(at(url, 'a'), { method: 'GET' })
  expect([json.body_encoding, json.body]).toEqual(['base64', 'AP8='])
})

test.each(['a/b', 'a%2Fb', '?x=1&y', '#', 'k'.repeat(255), '/'.repeat(255), '%', 'a..b', '!~'])(
  'the record of the key %s can be read and deleted',
  async key => {
    const { url } = await startApp()
    await send(`${url}/webhook`, { headers: { [KEY]: key }, body: '{}' })
    expect((await send(at(url, key), { method: 'GET' })).json.key).toBe(key)
    expect((await send(at(url, key), { method: 'DELETE' })).json).toEqual({ status: 'cleared', key })
    expect((await send(at(url, key), { method: 'DELETE' })).status).toBe(404)
  },
)

test('a record with a running attempt is deleted by force only', async () => {
  let finish = () => {}
  const finished = new Promise<void>(resolve => {
    finish = resolve
  })
  let runs = 0
  const handle = async () => {
    runs++
    await finished
    return new Response('late')
  }
  const { url } = await startApp({ sources: { default: { handle } } })
  const running = send(`${url}/webhook`, { headers: { [KEY]: 'a' } })
  await expect.poll(() => runs).toBe(1)
  const shown = (await send(at(url, 'a'), { method: 'GET' })).json
  expect(shown).toMatchObject({ state: 'running', status_code: null, body: null, cached_at: null })
  expect(Date.parse(shown.lease_ends_at)).toBeGreaterThan(Date.now())
  const refused = await send(at(url, 'a'), { method: 'DELETE' })
  expect([refused.status, refused.json.code]).toEqual([409, 'record_running'])
  expect((await send(at(url, 'a', '?force=true'), { method: 'DELETE' })).status).toBe(200)
  finish()
  expect((await running).status).toBe(504)
  expect((await send(at(url, 'a'), { method: 'GET' })).status).toBe(404)
})

test('a store that does not answer is a 503', async () => {
  const store = memoryStore()
  store.get = () => new Promise(() => {})
  const { url } = await startApp({ store, env: { HOOKONCE_STORE_TIMEOUT_SECONDS: '0.05' } })
  const answer = await send(at(url, 'a'), { method: 'GET' })
  expect([answer.status, answer.json.code]).toEqual([503, 'store_unavailable'])
})

test('a path that is not well encoded is a 400', async () => {
  const { url } = await startApp()
  expect((await send(`${url}/webhook/idempotency/%E0%A4%A`, { method: 'GET' })).json.code).toBe('bad_request')
})
