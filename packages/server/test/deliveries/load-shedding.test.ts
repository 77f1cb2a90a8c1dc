import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test } from 'vitest'
import { EventLoopLag } from '../../src/deliveries/event-loop-lag.js'
import { TokenBucket } from '../../src/http/token-bucket.js'
import { until } from '../process/support/until.js'
import { closeApps, startApp } from '../support/app.js'
import { send } from '../support/http.js'
import { scrape } from '../support/metrics.js'
import { startServer, stopServers, temporaryFolder } from '../support/server.js'
import { startUpstream, type Upstream } from '../support/upstream.js'

const upstreams: Upstream[] = []
afterEach(closeApps)
afterAll(() => {
  stopServers()
  for (const upstream of upstreams) upstream.close()
})

const deliver = (url: string, key: string, path = '/webhook') =>
  send(url + path, { headers: { 'x-idempotency-key': key }, body: '{}' })

/** An application that answers nobody before its gate is opened. */
async function shutUpstream(): Promise<Upstream> {
  const upstream = await startUpstream()
  upstreams.push(upstream)
  upstream.shutGate()
  return upstream
}

test('deliveries beyond the limit in flight are refused at once, and those in flight are answered', async () => {
  const upstream = await shutUpstream()
  const { url } = await startApp({ env: { HOOKONCE_FORWARD_TO: upstream.url, HOOKONCE_MAX_IN_FLIGHT: '2' } })
  const inFlight = [deliver(url, 'a'), deliver(url, 'b')]
  await upstream.called(2)
  const refused = await deliver(url, 'c')
  expect([refused.status, refused.json.code, refused.headers['retry-after']]).toEqual([503, 'overloaded', '5'])
  const seen = await scrape(url)
  expect(seen.value('overload_rejections_total', { source: 'default', reason: 'in_flight' })).toBe(1)
  expect(seen.value('deliveries_total', { source: 'default', outcome: 'unavailable' })).toBe(1)
  expect((await send(`${url}/webhook/idempotency/c`, { method: 'GET' })).status).toBe(404)

  upstream.openGate()
  expect((await Promise.all(inFlight)).map(({ status }) => status)).toEqual([200, 200])
  expect((await deliver(url, 'c')).status).toBe(200)
})

/** One with room for one delivery, which is taken until its `release`. */
async function fullApp() {
  const upstream = await shutUpstream()
  const { url } = await startApp({ env: { HOOKONCE_FORWARD_TO: upstream.url, HOOKONCE_MAX_IN_FLIGHT: '1' } })
  const first = deliver(url, 'a')
  await upstream.called(1)
  return {
    url,
    async release() {
      upstream.openGate()
      await first
    },
  }
}

/** A connection that has sent the head of a delivery, and what has come back. */
function sendHead(url: string, length: number) {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const head = `POST /webhook HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Length: ${length}\r\n\r\n`
  let seen = ''
  socket.on('data', chunk => (seen += chunk))
  socket.write(head)
  return { socket, head, ended: once(socket, 'close'), answers: () => seen.split('HTTP/1.1 ').slice(1) }
}

test('a refusal does not wait for the body, and the connection stays open', async () => {
  const { url, release } = await fullApp()
  const { socket, head, answers } = sendHead(url, 1000)
  await until('it is refused', () => answers().length === 1)
  expect(answers()[0]).toMatch(/^503 /)
  expect(answers()[0]).not.toMatch(/^connection: close\r$/im)
  await release()
  const body = 'x'.repeat(1000)
  socket.write(`${body}${head.replace('\r\n\r\n', '\r\nX-Idempotency-Key: b\r\n\r\n')}${body}`)
  await until('the next is answered', () => answers().length === 2)
  expect(answers()[1]).toMatch(/^200 /)
  socket.destroy()
})

test('a sender of a large body reads the refusal before its connection closes', async () => {
  const { url, release } = await fullApp()
  const { socket, ended, answers } = sendHead(url, 1_000_000)
  socket.write('x'.repeat(100_000))
  await until('it is refused', () => answers().length === 1)
  expect(answers()[0]).toMatch(/^503 /)
  expect(answers()[0]).toMatch(/^connection: close\r$/im)
  expect(answers()[0]).toMatch(/"code":"overloaded"/)
  await ended
  await release()
})

test('refusals are in the metrics and the overview, but not in the latencies', async () => {
  const { url, release } = await fullApp()
  await deliver(url, 'b')
  const { json } = await send(`${url}/api/overview`, { method: 'GET' })
  expect(json.totals.default).toEqual({ unavailable: 1 })
  expect(json.window).toMatchObject({ by_outcome: { unavailable: 1 }, p99_ms: null })
  await release()
})

test('waiting duplicates leave capacity for other deliveries', async () => {
  const upstream = await shutUpstream()
  const { url } = await startApp({ env: { HOOKONCE_FORWARD_TO: upstream.url, HOOKONCE_MAX_IN_FLIGHT: '10' } })
  const herd = [deliver(url, 'herd')]
  await upstream.called(1)
  for (let i = 0; i < 20; i++) herd.push(deliver(url, 'herd'))
  const answers = Promise.all(herd)
  // Half may wait, the others are told to come again.
  const others = ['x', 'y', 'z'].map(key => until('there is room', () => tryOnce(url, key)))
  await upstream.called(4)
  upstream.openGate()
  expect((await Promise.all(others)).map(({ status }) => status)).toEqual([200, 200, 200])
  const statuses = (await answers).map(({ status }) => status)
  expect(statuses.filter(status => status === 200).length).toBeGreaterThanOrEqual(6)
})

/** Nothing where the delivery is refused for want of room, or told that another runs. */
async function tryOnce(url: string, key: string) {
  const answer = await deliver(url, key)
  return answer.status === 200 && answer
}

test('a source answers deliveries beyond its rate limit 429, before they are processed', async () => {
  const { url } = await startApp({ sources: { slow: { ratePerSecond: 0.5 } } })
  expect((await deliver(url, 'a', '/hooks/slow')).status).toBe(200)
  const refused = await deliver(url, 'not valid', '/hooks/slow')
  expect([refused.status, refused.json.code, refused.headers['retry-after']]).toEqual([429, 'rate_limited', '2'])
  expect((await deliver(url, 'a')).status).toBe(200)
  const seen = await scrape(url)
  expect(seen.value('overload_rejections_total', { source: 'slow', reason: 'rate' })).toBe(1)
})

test('HOOKONCE_RATE_PER_SECOND limits the default source on all of its routes together', async () => {
  const { url } = await startApp({ env: { HOOKONCE_RATE_PER_SECOND: '0.1' }, sources: { other: {} } })
  expect((await deliver(url, 'a')).status).toBe(200)
  for (const path of ['/webhook', '/hooks/default', '/webhook/no-idempotency']) {
    expect((await deliver(url, 'b', path)).status).toBe(429)
  }
  expect((await deliver(url, 'b', '/hooks/other')).status).toBe(200)
})

test('deliveries of an inbox beyond its rate limit are accepted and wait', async () => {
  const { url } = await startApp({ env: { HOOKONCE_MODE: 'inbox', HOOKONCE_RATE_PER_SECOND: '0.1' } })
  for (const key of ['a', 'b', 'c']) expect((await deliver(url, key)).status).toBe(202)
})

test('a process with a lagging event loop refuses deliveries until it has caught up', async () => {
  const block = 'const until = performance.now() + 300; while (performance.now() < until);'
  const handler = `delivery => { ${block}; return Response.json({}) }`
  const config = `export default { sources: { busy: { handle: ${handler} } } }`

  const cwd = temporaryFolder()
  writeFileSync(join(cwd, 'hookonce.config.mjs'), config)
  const env = { HOOKONCE_STORE_URL: 'memory:', HOOKONCE_MAX_EVENT_LOOP_DELAY_MS: '100' }
  const { url } = await startServer({ cwd, env })

  let stop = false
  let next = 0
  const senders = Array.from({ length: 4 }, async () => {
    while (!stop) await deliver(url, `k${next++}`, '/hooks/busy')
  })
  const labels = { source: 'busy', reason: 'event_loop' }
  await until('deliveries are refused', async () => (await scrape(url)).value('overload_rejections_total', labels)! > 0)
  stop = true
  await Promise.all(senders)
  await until('it takes deliveries again', async () => (await deliver(url, 'after')).status === 200)
})

test('a single long pause is not an overload', async () => {
  const watch = new EventLoopLag(50)
  const until = performance.now() + 400
  while (performance.now() < until);
  await new Promise(resolve => setTimeout(resolve, 0))
  expect(watch.isBehind).toBe(false)
})

test('a token bucket holds one second of tokens and knows when the next one is due', () => {
  const bucket = new TokenBucket(2, 0)
  expect([bucket.take(0), bucket.take(0), bucket.take(0)]).toEqual([0, 0, 500])
  expect(bucket.take(499)).toBeCloseTo(1)
  expect(bucket.take(500)).toBe(0)
  expect(bucket.take(60_000)).toBe(0)
  expect([bucket.take(60_000), bucket.take(60_000)]).toEqual([0, 500])
})
