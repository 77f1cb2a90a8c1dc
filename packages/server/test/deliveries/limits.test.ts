import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { bearer } from 'hookonce/senders/bearer'
import { github } from 'hookonce/senders/github'
import { afterAll, afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { until } from '../process/support/until.js'
import { closeApps, startApp } from '../support/app.js'
import { send } from '../support/http.js'
import { scrape } from '../support/metrics.js'
import { sendSigned } from '../support/signed.js'
import { startUpstream, type Upstream } from '../support/upstream.js'

const upstreams: Upstream[] = []
afterEach(closeApps)
afterAll(() => {
  for (const upstream of upstreams) upstream.close()
})

const deliver = (url: string, key: string, path = '/webhook', body = '{}') =>
  send(url + path, { headers: { 'x-idempotency-key': key }, body })

function head(length: number, { path = '/webhook', fields = [] as string[] } = {}): string {
  return `${[`POST ${path} HTTP/1.1`, 'host: localhost', `content-length: ${length}`, ...fields].join('\r\n')}\r\n\r\n`
}

/** A connection that has sent this, and what has come back. */
function opened(url: string, ...sent: string[]) {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  onTestFinished(() => void socket.destroy())
  let seen = ''
  const closed = once(socket, 'close')
  closed.catch(() => {})
  socket.on('error', () => {}).on('data', chunk => (seen += chunk))
  for (const piece of sent) socket.write(piece)
  return { socket, closed, seen: () => seen, statuses: () => [...seen.matchAll(/HTTP\/1\.1 (\d+)/g)].map(m => m[1]) }
}

const cut = async (url: string, reason: string) => (await scrape(url)).value('connections_cut_total', { reason })

describe('a delivery is in flight once its body is complete', () => {
  test('two thousand incomplete bodies do not block other deliveries', async () => {
    const { url, gate } = await startApp({ env: { HOOKONCE_MAX_IN_FLIGHT: '1', HOOKONCE_RATE_PER_SECOND: '1000' } })
    const unfinished = Array.from({ length: 2_000 }, () => opened(url, head(1_000), 'x'))
    await Promise.all(unfinished.map(({ socket }) => once(socket, 'connect')))
    for (let i = 0; i < 20; i++) expect((await deliver(url, `k${i}`)).status).toBe(200)
    expect(gate.inProgress).toBe(0)
  })

  test('and unsigned deliveries do not count against the rate limit', async () => {
    const sender = github({ secrets: ['secret-of-the-sender'] })
    const { url } = await startApp({ sources: { hub: { sender, ratePerSecond: 0.01 } } })
    for (let i = 0; i < 5; i++) expect((await deliver(url, 'k', '/hooks/hub')).status).toBe(401)
    expect((await sendSigned(`${url}/hooks/hub`, sender)).status).toBe(200)
    expect((await sendSigned(`${url}/hooks/hub`, sender, { id: 'id-2', body: '{"n":2}' })).status).toBe(429)
  })
})

describe('the memory of bodies', () => {
  const env = { HOOKONCE_MAX_BODY_BYTES: '100000', HOOKONCE_MAX_BODY_MEMORY_BYTES: '150000' }

  test('is limited: at the limit the unfinished body that was idle for longest is refused', async () => {
    const { url } = await startApp({ env })
    const stuck = opened(url, head(90_000), '1'.repeat(60_000))
    // Until the server has certainly read it.
    for (let i = 0; i < 3; i++) await deliver(url, `between-${i}`)
    const honest = opened(url, head(90_000, { fields: ['connection: close'] }), '1'.repeat(60_000))
    await until('the first is refused', () => stuck.statuses().length > 0)
    expect(stuck.seen()).toMatch(/^HTTP\/1\.1 503 .*retry-after: 5.*connection: close.*"code":"overloaded"/is)
    honest.socket.write('1'.repeat(30_000))
    await honest.closed
    expect(honest.statuses()).toEqual(['200'])
    await stuck.closed
    const seen = await scrape(url)
    expect(seen.value('overload_rejections_total', { source: 'default', reason: 'body_memory' })).toBe(1)
    expect((await deliver(url, 'after')).status).toBe(200)
  })

  test('counts complete bodies until they are answered', async () => {
    const upstream = await startUpstream()
    upstreams.push(upstream)
    upstream.shutGate()
    const { url } = await startApp({ env: { ...env, HOOKONCE_FORWARD_TO: upstream.url } })
    const first = deliver(url, 'a', '/webhook', '1'.repeat(90_000))
    await upstream.called(1)
    const refused = await deliver(url, 'b', '/webhook', '1'.repeat(90_000))
    expect([refused.status, refused.json.code, refused.headers['retry-after']]).toEqual([503, 'overloaded', '5'])
    const small = deliver(url, 'c')
    await upstream.called(2)
    upstream.openGate()
    expect([(await first).status, (await small).status]).toEqual([200, 200])
    expect((await deliver(url, 'b', '/webhook', '1'.repeat(90_000))).status).toBe(200)
  })

  test('is not exhausted by bodies in tiny chunks', async () => {
    const { url } = await startApp({ env })
    const chunked = ['POST /webhook HTTP/1.1', 'host: localhost', 'transfer-encoding: chunked', 'connection: close']
    const { closed, statuses } = opened(url, `${chunked.join('\r\n')}\r\n\r\n${'1\r\n1\r\n'.repeat(90_000)}0\r\n\r\n`)
    await closed
    expect(statuses()).toEqual(['200'])
  })

  test('large bodies arrive complete, many at once', async () => {
    const received: string[] = []
    const handle = (delivery: { text(): string }) => Response.json(received.push(delivery.text()))
    const { url } = await startApp({ sources: { large: { handle } } })
    const bodies = Array.from({ length: 30 }, (_, i) => `${i}.`.repeat(300_000).slice(0, 900_000))
    const answers = await Promise.all(bodies.map((body, i) => deliver(url, `k${i}`, '/hooks/large', body)))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(received.sort()).toEqual(bodies.sort())
  })
})

test('a body below the minimum rate is answered 408 and its connection closed; a slow one is accepted', async () => {
  const { url } = await startApp()
  const stuck = opened(url, head(20_000), 'x')
  const slow = opened(url, head(5_000, { fields: ['connection: close'] }))
  let left = 100
  const timer = setInterval(() => {
    if (left-- > 0) slow.socket.write('1'.repeat(50))
  }, 100)
  onTestFinished(() => clearInterval(timer))
  await stuck.closed
  expect(stuck.seen()).toMatch(/^HTTP\/1\.1 408 .*connection: close.*"code":"request_timeout"/is)
  expect(await cut(url, 'slow_body')).toBe(1)
  await slow.closed
  expect(slow.statuses()).toEqual(['200'])
}, 30_000)

describe('pipelined requests', () => {
  test('are answered one after the other, one in flight at a time', async () => {
    let running = 0
    let most = 0
    const handle = async () => {
      most = Math.max(most, ++running)
      await setImmediate()
      running--
      return new Response()
    }
    const { url } = await startApp({ env: { HOOKONCE_MAX_IN_FLIGHT: '1' }, sources: { one: { handle } } })
    const request = (i: number) => `${head(3, { path: '/hooks/one', fields: [`x-idempotency-key: k${i}`] })}{} `
    const { statuses, socket } = opened(url, Array.from({ length: 6_000 }, (_, i) => request(i)).join(''))
    await until('all are answered', () => statuses().length === 6_000, 100_000)
    expect(new Set(statuses())).toEqual(new Set(['200']))
    expect(most).toBe(1)
    socket.write(request(0))
    await until('the connection goes on', () => statuses().length === 6_001)
  }, 120_000)

  test('of different routes are answered in order; the last body may come later', async () => {
    const { url } = await startApp()
    const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`
    const { statuses, socket } = opened(url, `${get('/health')}${head(2)}{}${get('/nope')}${head(40_000)}`)
    await until('three are answered', () => statuses().length === 3)
    socket.write('1'.repeat(40_000))
    await until('the last is answered', () => statuses().length === 4)
    expect(statuses()).toEqual(['200', '200', '404', '200'])
  })

  test('beyond ten thousand close their connection', async () => {
    const upstream = await startUpstream()
    upstreams.push(upstream)
    upstream.shutGate()
    const { url } = await startApp({ env: { HOOKONCE_FORWARD_TO: upstream.url } })
    const few = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(2_000)
    const many = Array.from({ length: 20 }, (_, i) =>
      opened(url, head(2, { fields: [`x-idempotency-key: k${i}`] }), '{}', few),
    )
    await until('some are cut off', async () => ((await cut(url, 'pipelined')) ?? 0) > 0)
    upstream.openGate()
    await until('others are answered', () => many.some(({ statuses }) => statuses().length === 2_001))
    expect((await deliver(url, 'after')).status).toBe(200)
  })
})

test('connections beyond the limit are closed at once, and counted', async () => {
  const { url } = await startApp({ env: { HOOKONCE_MAX_CONNECTIONS: '2' } })
  const kept: Socket[] = []
  for (let i = 0; i < 2; i++) {
    const { socket, statuses } = opened(url, 'GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n')
    await until('it is answered', () => statuses().length === 1)
    kept.push(socket)
  }
  const { closed, statuses } = opened(url, 'GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n')
  await closed
  expect(statuses()).toEqual([])
  const gone = once(kept[0]!, 'close')
  kept[0]!.destroy()
  await gone
  await until('there is room again', async () => (await cut(url, 'too_many').catch(() => 0)) === 1)
})

test('two thousand connections at once fit in the backlog', async () => {
  const { url } = await startApp()
  const unaccepted = () => {
    const port = Number(new URL(url).port).toString(16).toUpperCase().padStart(4, '0')
    const listening = new RegExp(`: 0100007F:${port} \\S+ 0A \\w+:(\\w+) `)
    return Number.parseInt(listening.exec(readFileSync('/proc/net/tcp', 'utf8'))![1]!, 16)
  }
  const most = Number(readFileSync('/proc/sys/net/core/somaxconn', 'utf8'))
  for (let i = 0; i < 2_000; i++) opened(url)
  // After they were asked for, and before the event loop turns, so that this process has accepted none.
  await new Promise(resolve => process.nextTick(resolve))
  expect(unaccepted()).toBeGreaterThanOrEqual(Math.min(2_000, most))
})

test('a client that does not read its answer is disconnected; a slow one is not', async () => {
  const large = '1'.repeat(20_000_000)
  const { url } = await startApp({
    env: { HOOKONCE_MAX_RESPONSE_BYTES: '30000000' },
    sources: { large: { handle: () => new Response(large) } },
  })
  const request = head(2, { path: '/hooks/large', fields: ['x-idempotency-key: k', 'connection: close'] })
  const stalled = opened(url, request, '{}')
  stalled.socket.pause()
  const slow = opened(url, request, '{}')
  let taken = 0
  slow.socket.on('data', ({ length }) => {
    taken += length
    slow.socket.pause()
  })
  const timer = setInterval(() => slow.socket.resume(), 100)
  onTestFinished(() => clearInterval(timer))
  await until('it is cut off', async () => (await cut(url, 'stalled_reader')) === 1, 40_000)
  expect(slow.socket.destroyed).toBe(false)
  clearInterval(timer)
  slow.socket.removeAllListeners('data').on('data', ({ length }) => (taken += length))
  slow.socket.resume()
  await slow.closed
  expect(taken).toBeGreaterThan(large.length)
  expect(await cut(url, 'stalled_reader')).toBe(1)
}, 60_000)

describe('a request with more than 200 header fields', () => {
  const junk = (count: number) => Array.from({ length: count }, (_, i) => [`a${i}`, '']).flat()

  test.each([
    ['GET', '/api/records'],
    ['GET', '/webhook/events'],
    ['DELETE', '/api/record?key=k'],
    ['POST', '/api/test'],
    ['POST', '/api/session'],
    ['GET', '/metrics'],
    ['GET', '/health'],
    ['GET', '/nope'],
    ['POST', '/webhook'],
    ['POST', '/webhook?x=1'],
    ['POST', '/hooks/default'],
    ['POST', '/webhook/no-idempotency'],
  ])('is 431: %s %s', async (method, path) => {
    const { url } = await startApp()
    // Of as many Node tells the first thousand, and not what a proxy adds.
    const headers = [...junk(999), 'x-forwarded-for', '203.0.113.7']
    const answer = await send(url + path, { method, headers })
    expect([answer.status, answer.json.code]).toEqual([431, 'headers_too_large'])
  })

  test('is counted as a delivery of its source; 200 are accepted', async () => {
    const { url } = await startApp()
    expect((await send(`${url}/webhook`, { headers: junk(198), body: '{}' })).status).toBe(431)
    expect((await send(`${url}/webhook`, { headers: junk(197), body: '{}' })).status).toBe(200)
    const seen = await scrape(url)
    expect(seen.value('deliveries_total', { source: 'default', outcome: 'invalid' })).toBe(1)
  })
})

describe('a token in a header is verified before the body is read', () => {
  const sender = bearer({ tokens: ['token-of-the-sender-0123456789abcdef'] })
  const path = '/hooks/partner'
  const authorized = 'authorization: Bearer token-of-the-sender-0123456789abcdef'

  test('a wrong one is 401 at once, and the connection of a large body is closed', async () => {
    const { url } = await startApp({ sources: { partner: { sender } } })
    const large = opened(url, head(1_000_000, { path, fields: ['authorization: Bearer wrong'] }))
    await large.closed
    expect(large.seen()).toMatch(/^HTTP\/1\.1 401 .*connection: close.*"code":"signature_invalid"/is)
    const small = opened(url, head(100, { path }))
    await until('it is refused', () => small.statuses().length === 1)
    small.socket.write(`${'1'.repeat(100)}${head(2, { path, fields: [authorized, 'idempotency-key: k'] })}{}`)
    await until('the connection goes on', () => small.statuses().length === 2)
    expect(small.statuses()).toEqual(['401', '200'])
    const seen = await scrape(url)
    expect(seen.value('deliveries_total', { source: 'partner', outcome: 'unauthorized' })).toBe(2)
  })

  test('on /webhook/no-idempotency too', async () => {
    const { url } = await startApp({
      env: { HOOKONCE_ALLOW_NO_IDEMPOTENCY: 'true' },
      sources: { default: { sender } },
    })
    const { closed, statuses } = opened(url, head(1_000_000, { path: '/webhook/no-idempotency' }))
    await closed
    expect(statuses()).toEqual(['401'])
  })
})
