import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TOOL_TIMEOUT_MS } from '../test-tools/index.js'
import { deployText } from './files.js'
import { startCaddy, startNginx, stopProxies } from './proxy.js'

interface Arrived {
  method: string
  url: string
  headers: string[]
  body: Buffer
}

const arrived: Arrived[] = []
const urls: Record<string, string> = {}

/** In the place of the receiver: keeps what arrives, as it arrives. */
const behind = createServer(async (incoming, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk)
  arrived.push({
    method: incoming.method!,
    url: incoming.url!,
    headers: incoming.rawHeaders,
    body: Buffer.concat(chunks),
  })
  response.end('received')
})

beforeAll(async () => {
  behind.listen(0, '127.0.0.1')
  await once(behind, 'listening')
  const upstream = `127.0.0.1:${(behind.address() as AddressInfo).port}`
  urls.nginx = await startNginx(port =>
    deployText('proxy/nginx.conf', [
      ['127.0.0.1:8000', upstream],
      ['ssl_certificate /etc/ssl/hooks.example.com.pem;', ''],
      ['ssl_certificate_key /etc/ssl/hooks.example.com.key;', ''],
      ['listen 443 ssl;', `listen 127.0.0.1:${port};`],
      ['listen [::]:443 ssl;', ''],
    ]),
  )
  urls.caddy = await startCaddy(port =>
    deployText('proxy/Caddyfile', [
      ['127.0.0.1:8000', upstream],
      ['hooks.example.com {', `http://hooks.example.com:${port} {`],
    ]),
  )
}, TOOL_TIMEOUT_MS)

afterAll(async () => {
  await stopProxies()
  behind.close()
})

/** As it stands: neither the path nor the headers are tidied up. */
function ask(
  base: string,
  method: string,
  path: string,
  headers: string[] = [],
  body: Buffer = Buffer.alloc(0),
): Promise<number> {
  const { hostname, port } = new URL(base)
  return new Promise((resolve, reject) => {
    const sent = [...headers, 'Host', 'hooks.example.com', 'Content-Length', String(body.length)]
    request({ hostname, port, method, path, headers: sent }, response => {
      response.resume().on('end', () => resolve(response.statusCode!))
    })
      .on('error', reject)
      .end(body)
  })
}

const DELIVERIES = ['/webhook', '/webhook?a=%20b', '/hooks/orders', '/hooks/orders.v2?x=1&y=%2F']

const OTHERS = [
  '/',
  '/webhook/',
  '/webhook/events',
  '/webhook/idempotency/k',
  '/webhook/no-idempotency',
  '/hooks/',
  '/hooks/a/b',
  '/hooks/../metrics',
  '/hooks/%2e%2e/metrics',
  '/api/records',
  '/webhook/idempotency/..%2f..%2fhooks%2fx',
  '/webhook/idempotency/../../hooks/x',
  '/api/record?key=/webhook',
  '//webhook',
  '/metrics',
  '/dashboard',
  '/docs',
]

describe.each(['nginx', 'caddy'])('%s', name => {
  const headers = ['X-Forwarded-For', '203.0.113.9', 'Webhook-Signature', 'v1,a+b/c=', 'X-Twice', '1', 'X-Twice', '2']

  test.each(DELIVERIES)('%s goes through byte for byte', async path => {
    const body = Buffer.from([0x1f, 0x8b, 0, 255, 13, 10, 123])
    arrived.length = 0
    const sent = [...headers, 'Content-Encoding', 'gzip', 'Content-Type', 'application/json']
    expect(await ask(urls[name]!, 'POST', path, sent, body)).toBe(200)
    const [delivery] = arrived
    expect(delivery).toMatchObject({ method: 'POST', url: path, body })
    const values = (header: string) =>
      delivery!.headers.filter((_, i, all) => i % 2 === 1 && all[i - 1]!.toLowerCase() === header)
    expect(values('host')).toEqual(['hooks.example.com'])
    expect(values('webhook-signature')).toEqual(['v1,a+b/c='])
    expect(values('x-twice')).toEqual(['1', '2'])
    expect(values('content-encoding')).toEqual(['gzip'])
    expect(values('accept-encoding')).toEqual([])
    expect(values('x-forwarded-for')).toEqual(['127.0.0.1'])
  })

  test.each(OTHERS)('%s is not passed on', async path => {
    arrived.length = 0
    for (const method of ['GET', 'POST', 'DELETE']) {
      expect([400, 404], method).toContain(await ask(urls[name]!, method, path))
    }
    expect(arrived).toEqual([])
  })

  test('a body as large as a delivery may be goes through', async () => {
    arrived.length = 0
    expect(await ask(urls[name]!, 'POST', '/webhook', [], Buffer.alloc(1_048_576))).toBe(200)
    expect(arrived.map(({ body }) => body.length)).toEqual([1_048_576])
  })
})

test('nginx, which reads a body before it passes it on, refuses a larger one', async () => {
  arrived.length = 0
  expect(await ask(urls.nginx!, 'POST', '/webhook', [], Buffer.alloc(1_048_577))).toBe(413)
  expect(arrived).toEqual([])
})
