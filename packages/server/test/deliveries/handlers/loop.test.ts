import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { forward } from '../../../src/config/file.js'
import { loopsOf } from '../../../src/deliveries/handlers/loop.js'
import { closeApps, startApp } from '../../support/app.js'
import { send } from '../../support/http.js'
import { scrape } from '../../support/metrics.js'
import { startServer, stopServers } from '../../support/server.js'
import { startUpstream } from '../../support/upstream.js'

afterEach(() => vi.unstubAllEnvs())
afterAll(async () => {
  stopServers()
  await closeApps()
})

const freePort = async () => {
  const upstream = await startUpstream()
  upstream.close()
  return new URL(upstream.url).port
}

const executed = async (url: string) =>
  (await scrape(url)).value('attempts_total', { source: 'default', end: 'recorded' }) ?? 0

test.each([
  ['without a key', {}],
  ['with one', { 'X-Idempotency-Key': 'a' }],
])(
  'a receiver that forwards to itself says so at the start, and answers 508 at once: a delivery %s',
  async (_, headers) => {
    const port = await freePort()
    const env = { PORT: port, HOOKONCE_STORE_URL: 'memory:', HOOKONCE_FORWARD_TO: `http://localhost:${port}/webhook` }
    const server = await startServer({ env })
    expect(server.stdout()).toMatch(/"level":"warn".*"source":"default".*forwards to this receiver itself/)
    const from = performance.now()
    const answer = await send(`${server.url}/webhook`, { headers, body: '{}' })
    expect([answer.status, answer.json.code]).toEqual([508, 'loop_detected'])
    expect(performance.now() - from).toBeLessThan(5_000)
    const counts = await scrape(server.url)
    expect(counts.value('deliveries_total', { source: 'default', outcome: 'invalid' })).toBe(1)
    expect(await executed(server.url)).toBeLessThanOrEqual(1)
  },
)

test('through other receivers too: the first one ends it', async () => {
  const [portA, portB] = [await freePort(), await freePort()]
  const start = (port: string, to: string) =>
    startServer({
      env: { PORT: port, HOOKONCE_STORE_URL: 'memory:', HOOKONCE_FORWARD_TO: `http://127.0.0.1:${to}/webhook` },
    })
  const [a, b] = await Promise.all([start(portA, portB), start(portB, portA)])
  expect(a.stdout()).not.toContain('forwards to this receiver itself')
  const answer = await send(`${a.url}/webhook`, { body: '{}' })
  expect([answer.status, answer.json.code]).toEqual([508, 'loop_detected'])
  for (const { url } of [a, b]) {
    const all = await scrape(url)
    expect(all.value('deliveries_total', { source: 'default', outcome: 'executed' })).toBe(1)
  }
})

test('of an inbox: each attempt is refused, and the record says why', async () => {
  const port = await freePort()
  const env = { HOOKONCE_MODE: 'inbox', HOOKONCE_FORWARD_TO: `http://127.0.0.1:${port}/webhook` }
  const server = await startServer({ env: { PORT: port, HOOKONCE_STORE_URL: 'memory:', ...env } })
  await send(`${server.url}/webhook`, { headers: { 'X-Idempotency-Key': 'a' }, body: '{}' })
  await vi.waitFor(async () => {
    const { json } = await send(`${server.url}/api/record?key=a`, { method: 'GET' })
    expect(json.last_error).toMatch(/^status 508: .*loop_detected/)
  }, 10_000)
})

test('a delivery may pass several sources of one receiver', async () => {
  const application = await startUpstream()
  const port = await freePort()
  const sources = { second: { handle: forward(application.url) } }
  const second = await startApp({ sources })
  const first = await startApp({ env: { HOOKONCE_FORWARD_TO: `${second.url}/hooks/second` } })
  expect((await send(`${first.url}/webhook`)).text).toBe('done')
  const via = application.calls[0]!.headers.via!
  expect(via).toMatch(/^1\.1 hookonce-[0-9a-f]{18}-default, 1\.1 hookonce-[0-9a-f]{18}-second$/)
  expect(port).not.toBe('')
  application.close()
})

test('a Via of other proxies, real or forged, is accepted and kept', async () => {
  const application = await startUpstream()
  const { url } = await startApp({ env: { HOOKONCE_FORWARD_TO: application.url } })
  const passed = ['1.1 proxy', `1.1 hookonce-${'0'.repeat(18)}-default (a comment)`]
  const answer = await send(`${url}/webhook`, { headers: passed.flatMap(entry => ['Via', entry]) })
  expect(answer.status).toBe(200)
  expect(application.calls[0]!.headers.via).toMatch(
    /^1\.1 proxy, 1\.1 hookonce-0{18}-default \(a comment\), 1\.1 hookonce-/,
  )
  application.close()
})

test.each<[urls: string[], targets: Record<string, string>, loops: string[]]>([
  [['http://127.0.0.1:8000', 'http://[::1]:8000'], { default: 'http://localhost:8000/webhook' }, ['default']],
  [['http://127.0.0.1:8000'], { default: 'http://127.0.0.1:8000/hooks/default?x=1' }, ['default']],
  [['http://127.0.0.1:8000'], { default: 'http://localhost:8000/webhook/no-idempotency' }, ['default']],
  [['http://127.0.0.1:8000'], { default: 'http://localhost:8001/webhook' }, []],
  [['http://127.0.0.1:8000'], { default: 'http://app:8000/webhook' }, []],
  [['http://127.0.0.1:8000'], { default: 'http://localhost:8000/healthz' }, []],
  [['http://0.0.0.0:8000'], { default: 'http://127.0.0.1:8000/webhook' }, ['default']],
  [['http://[::]:8000'], { default: 'http://[::1]:8000/webhook' }, ['default']],
  [['http://127.0.0.1:80'], { default: 'http://localhost/webhook' }, ['default']],
  [['http://127.0.0.1:8000'], { a: 'http://localhost:8000/hooks/b', b: 'http://localhost:8000/hooks/a' }, ['a', 'b']],
  [['http://127.0.0.1:8000'], { a: 'http://localhost:8000/hooks/b', b: 'http://localhost:9/' }, []],
  [['http://127.0.0.1:8000'], { a: 'http://localhost:8000/hooks/b', b: 'http://localhost:8000/hooks/b' }, ['b']],
])('listening on %j, of %j these come back to themselves: %j', async (urls, targets, loops) => {
  const sources = Object.fromEntries(Object.entries(targets).map(([name, url]) => [name, { handle: forward(url) }]))
  const { config } = await startApp({ sources })
  expect(loopsOf(config.sources, urls)).toEqual(loops)
})
