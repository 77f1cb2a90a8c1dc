import { github } from 'hookonce/senders/github'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { acknowledge, forward } from '../../../src/config/file.js'
import { closeApps, startApp } from '../../support/app.js'
import { send } from '../../support/http.js'
import { scrape } from '../../support/metrics.js'
import { startUpstream, type Upstream } from '../../support/upstream.js'

let application: Upstream
afterEach(() => application?.close())
afterAll(closeApps)

const start = async (env: Record<string, string> = {}) => {
  application = await startUpstream(({ method, url }, response) => {
    response.writeHead(200, { 'WebHook-Allowed-Origin': 'eventgrid.azure.net', 'X-Method': method }).end(url)
  })
  return startApp({ env: { HOOKONCE_FORWARD_TO: application.url, ...env } })
}

describe('with HOOKONCE_FORWARD_HANDSHAKES the application answers handshakes', () => {
  test.each(['GET', 'HEAD', 'OPTIONS'])('%s', async method => {
    const { url, receiver } = await start({ HOOKONCE_FORWARD_HANDSHAKES: 'true' })
    for (const path of ['/webhook', '/hooks/default']) {
      const headers = {
        'WebHook-Request-Origin': 'eventgrid.azure.net',
        'Idempotency-Key': 'a',
        'X-Hookonce-Attempt': '9',
      }
      const answer = await send(`${url}${path}?challenge=abc`, { method, headers })
      expect(answer.status).toBe(200)
      expect(answer.headers).toMatchObject({ 'webhook-allowed-origin': 'eventgrid.azure.net', 'x-method': method })
      expect(answer.text).toBe(method === 'HEAD' ? '' : '/hooks?challenge=abc')
    }
    const { headers } = application.calls[0]!
    expect(headers).toMatchObject({ 'webhook-request-origin': 'eventgrid.azure.net', 'idempotency-key': 'a' })
    expect(headers).not.toHaveProperty('x-hookonce-attempt')
    expect(headers).not.toHaveProperty('content-length')
    expect((await receiver.records({ limit: 10 })).records).toEqual([])
    const counted = await scrape(url)
    expect(counted.value('deliveries_total', { source: 'default', outcome: 'handshake' })).toBe(2)
  })

  test('other methods are still refused, and deliveries accepted', async () => {
    const { url } = await start({ HOOKONCE_FORWARD_HANDSHAKES: 'true' })
    const { status, headers } = await send(`${url}/webhook`, { method: 'PUT' })
    expect([status, headers.allow]).toEqual([405, 'GET, HEAD, OPTIONS, POST'])
    expect((await send(`${url}/webhook`)).headers['x-method']).toBe('POST')
  })

  test('without a reachable application the answer is 502, and the log has the reason', async () => {
    const { url, lines } = await start({
      HOOKONCE_FORWARD_HANDSHAKES: 'true',
      HOOKONCE_FORWARD_TO: 'http://127.0.0.1:1/',
    })
    expect((await send(`${url}/webhook`, { method: 'HEAD' })).status).toBe(502)
    const line = { source: 'default', requestId: expect.any(String), reason: 'ECONNREFUSED 127.0.0.1:1' }
    expect(lines()[0]).toMatchObject(line)
  })
})

test('without it handshakes are not forwarded', async () => {
  const { url } = await start()
  for (const method of ['GET', 'HEAD']) expect((await send(`${url}/webhook`, { method })).status).toBe(405)
  expect((await send(`${url}/webhook`, { method: 'OPTIONS' })).status).toBe(204)
  expect(application.calls).toEqual([])
})

test('a source of the config file has its own setting', async () => {
  application = await startUpstream()
  const sources = {
    asked: { handle: forward(application.url), forwardHandshakes: true },
    other: { handle: forward(application.url) },
  }
  const { url } = await startApp({ sources })
  expect((await send(`${url}/hooks/asked`, { method: 'GET' })).text).toBe('done')
  expect((await send(`${url}/hooks/other`, { method: 'GET' })).status).toBe(405)
})

test('without an application, or with a sender that has a handshake, the start fails', async () => {
  await expect(startApp({ env: { HOOKONCE_FORWARD_HANDSHAKES: 'true' } })).rejects.toThrow(
    'HOOKONCE_FORWARD_HANDSHAKES needs an application to ask: set HOOKONCE_FORWARD_TO',
  )
  const asked = { handle: acknowledge(), forwardHandshakes: true }
  await expect(startApp({ sources: { asked } })).rejects.toThrow('sources.asked.forwardHandshakes needs an application')
  const signed = { handle: forward('http://127.0.0.1:1/'), sender: github({ secrets: ['a-long-secret'] }) }
  await expect(startApp({ sources: { asked: { ...signed, forwardHandshakes: true } } })).rejects.toThrow(
    'sources.asked.forwardHandshakes: with a sender (github) handshakes are answered here; keep one of the two',
  )
})

test.each(['/', '/webhook', '/hooks/default', '/healthz', '/readyz', '/api/records', '/webhook/idempotency/x'])(
  'OPTIONS %s says what may be asked of it, as health checks of proxies ask',
  async path => {
    const { url } = await startApp()
    const answer = await send(`${url}${path}`, { method: 'OPTIONS' })
    expect([answer.status, answer.body.length]).toEqual([204, 0])
    expect(answer.headers.allow).toMatch(/\bOPTIONS\b/)
    expect(answer.headers).not.toHaveProperty('access-control-allow-origin')
  },
)

test('OPTIONS of an unknown path is a 404', async () => {
  const { url } = await startApp()
  expect((await send(`${url}/nothing`, { method: 'OPTIONS' })).status).toBe(404)
  expect((await send(`${url}/hooks/nobody`, { method: 'OPTIONS' })).status).toBe(404)
})
