import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compressed } from '../../src/http/compress.js'
import { textAnswer } from '../../src/http/respond.js'
import { closeApps, startApp } from '../support/app.js'
import { send } from '../support/http.js'
import { OPERATOR_TOKEN } from '../support/operator.js'

let url: string

beforeAll(async () => {
  const handle = () => new Response('x'.repeat(4_000))
  const sources = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`source-${i}`, { handle }]))
  url = (await startApp({ sources })).url
  for (let i = 0; i < 20; i++) await deliver(`key-${i}`)
})
afterAll(closeApps)

const deliver = (key: string) =>
  send(`${url}/hooks/source-1`, {
    headers: { 'x-idempotency-key': key, 'accept-encoding': 'gzip, br', 'content-type': 'application/json' },
    body: '{"event":"e"}',
  })

const get = (path: string, accepted?: string, method = 'GET') =>
  send(url + path, {
    method,
    headers: { ...(accepted !== undefined && { 'accept-encoding': accepted }) },
  })

const DECODE: Record<string, (bytes: Buffer) => Buffer> = { br: brotliDecompressSync, gzip: gunzipSync }

describe.each(['/metrics', '/openapi.json', '/docs', '/dashboard/assets'])('%s', route => {
  test.each([
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip', 'gzip'],
    ['GZIP;q=0.5', 'gzip'],
    ['br;q=0.1, gzip;q=0.9', 'gzip'],
    ['*', 'br'],
    ['br;q=0, *;q=0.5', 'gzip'],
    ['identity, gzip;q=0.5', undefined],
    ['gzip;q=0', undefined],
    ['deflate, zstd', undefined],
    ['gzip;q=x', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('is sent to whoever accepts %s as %s', async (accepted, encoding) => {
    const path = route === '/dashboard/assets' ? await script() : route
    const answer = await get(path, accepted)
    expect([answer.status, answer.headers['content-encoding'], answer.headers.vary]).toEqual([
      200,
      encoding,
      'accept-encoding',
    ])
    expect(answer.headers['content-length']).toBe(String(answer.body.length))
    const plain = encoding === undefined ? answer.body : DECODE[encoding]!(answer.body)
    expect(plain.length).toBeGreaterThan(1_024)
    expect(plain.subarray(0, 20)).toEqual((await get(path)).body.subarray(0, 20))
    if (encoding !== undefined) expect(answer.body.length).toBeLessThan(plain.length / 2)
  })
})

test('an answer to HEAD says how GET is encoded', async () => {
  const { headers, body } = await get('/openapi.json', 'gzip', 'HEAD')
  expect([headers['content-encoding'], headers.vary, body.length]).toEqual(['gzip', 'accept-encoding', 0])
})

test('what is smaller than 1 KiB is sent as it is', async () => {
  const request = { headers: { 'accept-encoding': 'gzip' } } as never
  const encoded = async (length: number) =>
    (await compressed(request, textAnswer('text/plain', 'x'.repeat(length)))).headers.some(
      ([name]) => name === 'content-encoding',
    )
  expect([await encoded(1_023), await encoded(1_024)]).toEqual([false, true])
})

test.each([
  '/api/records?limit=500',
  '/api/sources',
  '/api/record?source=source-1&key=key-1',
  '/webhook/idempotency/key-1?source=source-1',
])('%s is sent as it is: one sender’s secrets stand beside what another one chose', async path => {
  const { body, headers } = await get(path, 'gzip, br')
  expect(body.length).toBeGreaterThan(1_024)
  expect(JSON.parse(body.toString())).toEqual(expect.any(Object))
  expect([headers['content-encoding'], headers.vary]).toEqual([undefined, undefined])
})

test('what a delivery is answered, and its replay, is what the handler answered', async () => {
  for (const answer of [await deliver('new'), await deliver('new')]) {
    expect([answer.headers['content-encoding'], answer.text]).toEqual([undefined, 'x'.repeat(4_000)])
  }
})

test('the stream is not compressed, and no proxy is to keep it back', async () => {
  const stream = await fetch(`${url}/api/stream`, {
    headers: { authorization: `Bearer ${OPERATOR_TOKEN}`, 'accept-encoding': 'gzip, br' },
  })
  expect([stream.headers.get('content-encoding'), stream.headers.get('x-accel-buffering')]).toEqual([null, 'no'])
  await stream.body!.cancel()
})

async function script(): Promise<string> {
  const page = `${url}/dashboard/`
  const { text } = await send(page, { method: 'GET' })
  return new URL(/src="([^"]+\.js)"/.exec(text)![1]!, page).pathname
}
