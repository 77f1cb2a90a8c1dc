import { github } from 'hookonce/senders'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { closeApps, startApp } from '../support/app.js'
import { type HttpResponse, send } from '../support/http.js'
import { sendSigned, signed } from '../support/signed.js'

const SECRET = 'a-long-enough-secret-0123456789'
const sender = github({ secrets: [SECRET] })
const stranger = github({ secrets: ['a-secret-of-somebody-else-0123'] })

let app: Awaited<ReturnType<typeof startApp>>
const handled: string[] = []

beforeAll(async () => {
  app = await startApp({
    sources: {
      signed: {
        sender,
        redactHeaders: ['x-customer'],
        handle: delivery => {
          handled.push(Buffer.from(delivery.body).toString())
          return Response.json({ done: true })
        },
      },
      inbox: { sender, mode: 'inbox', handle: () => Response.json({ done: true }) },
      hidden: { sender, recordBody: false },
      redacting: { sender, redactDelivery: () => ({ headers: [], body: '{"card":"****"}' }) },
      silent: { sender, redactDelivery: () => null },
      broken: {
        sender,
        redactDelivery: () => {
          throw new Error('no such field')
        },
      },
      plain: { maxBodyBytes: 100 },
      later: { mode: 'inbox', handle: () => Response.json({}) },
      failing: { handle: () => new Response('', { status: 503 }) },
    },
  })
})
afterAll(closeApps)

const get = (path: string) => send(app.url + path, { method: 'GET' })
const change = (path: string) => send(app.url + path, { headers: { 'x-hookonce-operator': '1' } })

interface Listed {
  id: string
  code: string
  findings: { code: string; text: string }[]
}

/** The refused deliveries of a source, once there are `count`. */
async function refusedOf(source: string, count: number): Promise<Listed[]> {
  let refused: Listed[] = []
  await expect
    .poll(
      async () => {
        refused = (await get(`/api/refused?source=${source}`)).json.refused
        return refused.length
      },
      { timeout: 30_000 },
    )
    .toBe(count)
  return refused
}

test('a refused delivery is listed with the reason, and shown with what it brought', async () => {
  const body = '{"order":4711}'
  const headers = { 'x-customer': 'Jane Doe', 'x-request-id': 'request-1' }
  expect((await sendSigned(`${app.url}/hooks/signed`, stranger, { body, headers })).status).toBe(401)
  const [listed] = await refusedOf('signed', 1)
  expect(listed).toMatchObject({
    ...{ source: 'signed', status: 401, outcome: 'unauthorized', code: 'signature_invalid', key: null, unlogged: 0 },
    ...{ peer: '127.0.0.1', request_id: 'request-1', accepted_at: null },
    findings: [{ code: 'secret_unknown' }],
  })
  const { json } = await get(`/api/refused/delivery?source=signed&id=${listed!.id}`)
  expect(json).toMatchObject({ method: 'POST', url: '/hooks/signed', body, body_encoding: 'utf8', body_bytes: 14 })
  expect(Object.fromEntries(json.headers)).toMatchObject({ 'x-customer': '[redacted]' })
  expect(app.logged()).not.toContain('4711')
})

test('its sender is told no more than before', async () => {
  const { json } = await sendSigned(`${app.url}/hooks/signed`, stranger, { body: '{"order":1}' })
  expect(json.detail).toBe('The signature is not of this content and a secret that is known here.')
})

test('a delivery that an operator vouches for is processed once, under its key, and the audit log says so', async () => {
  const body = '{"order":1}'
  const [{ id }] = (await refusedOf('signed', 2)) as [Listed]
  const verified = await change(`/api/refused/verify?source=signed&id=${id}`)
  expect(verified.json).toMatchObject({ verifies: false, findings: [{ code: 'secret_unknown' }] })
  const accepted = await change(`/api/refused/accept?source=signed&id=${id}`)
  expect(accepted.json).toMatchObject({ status: 200, body: '{"done":true}' })
  const again = await change(`/api/refused/accept?source=signed&id=${id}`)
  expect(Object.fromEntries(again.json.headers)).toMatchObject({ 'x-cached': 'true' })
  const genuine = await sendSigned(`${app.url}/hooks/signed`, sender, { body })
  expect(genuine.headers['x-cached']).toBe('true')
  expect(handled).toEqual([body])
  expect((await get(`/api/refused/delivery?source=signed&id=${id}`)).json.accepted_at).not.toBeNull()
  expect(app.lines()).toContainEqual(
    expect.objectContaining({ audit: true, action: 'accept_refused', source: 'signed', outcome: '200' }),
  )
})

test('one that an inbox refused is accepted into it', async () => {
  await sendSigned(`${app.url}/hooks/inbox`, stranger, { body: '{"order":2}' })
  const [{ id }] = (await refusedOf('inbox', 1)) as [Listed]
  expect((await change(`/api/refused/accept?source=inbox&id=${id}`)).json.status).toBe(202)
  const { records } = (await get('/api/records?source=inbox')).json
  expect(records).toHaveLength(1)
})

test('what a source hides is not kept, and what is not kept whole is not accepted', async () => {
  await sendSigned(`${app.url}/hooks/hidden`, stranger, { body: '{"card":"4242"}' })
  const [{ id }] = (await refusedOf('hidden', 1)) as [Listed]
  const { json } = await get(`/api/refused/delivery?source=hidden&id=${id}`)
  expect(json).toMatchObject({ body: '', body_bytes: 15 })
  const refused: HttpResponse = await change(`/api/refused/accept?source=hidden&id=${id}`)
  expect([refused.status, refused.json.code]).toEqual([409, 'refused_incomplete'])
})

test('what a source redacts is redacted of refused deliveries too, and what it fails at is not kept', async () => {
  const card = '{"card":"4242"}'
  for (const source of ['redacting', 'silent', 'broken']) {
    await sendSigned(`${app.url}/hooks/${source}`, stranger, { body: card })
  }
  const [{ id }] = (await refusedOf('redacting', 1)) as [Listed]
  const { json } = await get(`/api/refused/delivery?source=redacting&id=${id}`)
  // As long as the original: its length says nothing.
  expect([json.body, json.headers]).toEqual(['{"card":"****"}', []])
  expect((await change(`/api/refused/accept?source=redacting&id=${id}`)).json.code).toBe('refused_incomplete')
  await expect.poll(() => app.logged(), { timeout: 30_000 }).toContain('a refused delivery was not kept')
  for (const source of ['silent', 'broken']) {
    expect((await get(`/api/refused?source=${source}`)).json.refused).toEqual([])
  }
})

test('of a large body only the beginning is kept', async () => {
  const body = JSON.stringify({ text: 'x'.repeat(20_000) })
  const event = signed(stranger, { body })
  await send(`${app.url}/hooks/inbox`, event)
  const [{ id }] = (await refusedOf('inbox', 2)) as [Listed]
  const { json } = await get(`/api/refused/delivery?source=inbox&id=${id}`)
  expect([json.body.length, json.body_bytes]).toEqual([16_384, body.length])
  expect((await change(`/api/refused/verify?source=inbox&id=${id}`)).json.code).toBe('refused_incomplete')
})

test('a body that is too large, and a key reused for another payload, are refused deliveries too', async () => {
  await send(`${app.url}/hooks/plain`, { body: 'x'.repeat(101) })
  const headers = { 'x-idempotency-key': 'key-1' }
  await send(`${app.url}/hooks/plain`, { headers, body: '{"a":1}' })
  await send(`${app.url}/hooks/plain`, { headers, body: '{"a":2}' })
  const listed = await refusedOf('plain', 2)
  expect(listed.map(({ code }) => code)).toEqual(['key_reused', 'body_too_large'])
  expect(listed[0]).toMatchObject({ key: 'key-1', findings: [] })
  const { json } = await get(`/api/refused/delivery?source=plain&id=${listed[0]!.id}`)
  expect(json.body).toBe('{"a":2}')
})

test('of a mismatch the first body is shown too, where it is kept', async () => {
  const headers = { 'x-idempotency-key': 'reused' }
  const listed = async (source: string) =>
    (await get(`/api/refused?source=${source}`)).json.refused.filter(({ key }: { key: string }) => key === 'reused')
  const firstOf = async (source: string) => {
    await expect.poll(async () => (await listed(source)).length, { timeout: 30_000 }).toBe(1)
    const [{ id }] = await listed(source)
    return (await get(`/api/refused/delivery?source=${source}&id=${id}`)).json.first
  }
  for (const source of ['later', 'failing', 'plain']) {
    for (const body of ['{"a":1}', '{"a":2}']) await send(`${app.url}/hooks/${source}`, { headers, body })
  }
  expect(await firstOf('later')).toEqual({ body: '{"a":1}', body_encoding: 'utf8' })
  expect(await firstOf('failing')).toEqual({ body: '{"a":1}', body_encoding: 'utf8' })
  expect(await firstOf('plain')).toBeUndefined()
})

test('a flood leaves room: of each reason some are kept, the others are counted', async () => {
  const flood = (body: string) => send(`${app.url}/hooks/signed`, { body })
  for (let round = 0; round < 10; round++) await Promise.all(Array.from({ length: 20 }, () => flood(`{"n":${round}}`)))
  const { refused } = (await get('/api/refused?source=signed&limit=200')).json
  await expect
    .poll(async () => (await get('/api/refused?source=signed&limit=200')).json.refused.length, { timeout: 30_000 })
    .toBeGreaterThanOrEqual(50)
  expect(refused.length).toBeLessThan(100)
})

test('all sources are listed together in pages, and a time range is kept', async () => {
  const all = (await get('/api/refused?limit=200')).json.refused as Listed[]
  const read: Listed[] = []
  for (let after = ''; ; ) {
    const { json } = await get(`/api/refused?limit=7${after}`)
    read.push(...json.refused)
    if (json.next === undefined) break
    after = `&after=${json.next}`
  }
  expect(read.map(({ id }) => id)).toEqual(all.map(({ id }) => id))
  expect((await get('/api/refused?until=2020-01-01T00:00:00Z')).json).toEqual({ refused: [] })
  expect((await get('/api/refused/delivery?source=signed&id=unknown')).status).toBe(404)
  expect((await change('/api/refused/accept?source=signed&id=unknown')).status).toBe(404)
})
