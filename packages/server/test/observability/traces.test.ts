import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { onPostgres, onRedis, type SharedStore, sqlite } from '../process/support/stores.js'
import { until } from '../process/support/until.js'
import { type ReceivedSpan, startCollector } from '../support/collector.js'
import { send } from '../support/http.js'
import { startServer, stopServers, temporaryFolder } from '../support/server.js'
import { startUpstream } from '../support/upstream.js'

const closing: { close(): void }[] = []
afterEach(() => {
  for (const each of closing.splice(0)) each.close()
})
afterAll(stopServers)

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SENDER = 'b7ad6b7169203331'
const parent = (flags: '00' | '01') => `00-${TRACE}-${SENDER}-${flags}`

const CONFIG = `export default { sources: { mails: { mode: 'inbox', retryDelaysSeconds: [0.01] } } }\n`

/** Servers that share a store, send what they trace to one collector, and forward to one application. */
async function start(env: Record<string, string> = { HOOKONCE_STORE_URL: 'memory:' }) {
  const [collector, upstream] = [await startCollector(), await startUpstream()]
  closing.push(collector, upstream)
  const cwd = temporaryFolder()
  writeFileSync(join(cwd, 'hookonce.config.mjs'), CONFIG)
  const another = () =>
    startServer({
      cwd,
      env: {
        HOOKONCE_FORWARD_TO: upstream.url,
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_METRICS_EXPORTER: 'none',
        OTEL_BSP_SCHEDULE_DELAY: '50',
        ...env,
      },
    })
  /** Spans come in the order in which they end. */
  const expectWithin = (child: ReceivedSpan | undefined, span: ReceivedSpan | undefined) => {
    expect(child).toMatchObject({ traceId: TRACE, parentSpanId: span!.spanId })
    expect(collector.spans.indexOf(child!)).toBeLessThan(collector.spans.indexOf(span!))
  }
  const spans = (name: string) => collector.spans.filter(span => span.name === name)
  /** Waits until there are as many spans of these names. */
  const traced = async (counts: Record<string, number>) => {
    const all = () => Object.entries(counts).every(([name, count]) => spans(name).length >= count)
    await until(`spans: ${JSON.stringify(counts)}`, all)
    const seen = collector.spans.map(span => span.name).sort()
    expect(seen).toEqual(
      Object.entries(counts)
        .flatMap(([name, count]) => Array(count).fill(name))
        .sort(),
    )
  }
  return { server: await another(), another, collector, upstream, spans, traced, expectWithin }
}

const deliver = (url: string, path: string, key: string, flags: '00' | '01' = '01') =>
  send(url + path, { headers: { 'idempotency-key': key, traceparent: parent(flags) }, body: '{}' })

const storeSpan = (system: string, operation: string, outcome: string) => ({
  kind: system === 'sqlite' ? 1 : 3,
  failed: false,
  attributes: { 'db.system.name': system, 'db.operation.name': operation, 'hookonce.store.outcome': outcome },
})

function cases(system: string, { fresh }: Pick<SharedStore, 'fresh'>): void {
  test('a delivery, its calls to the store and to the application; a replay elsewhere leads to it', async () => {
    const { server, another, upstream, spans, traced, expectWithin } = await start(fresh() as Record<string, string>)
    const answer = await deliver(server.url, '/webhook', 'a')
    expect(answer.headers).not.toHaveProperty('hookonce-trace')
    await traced({ 'deliver default': 1, claim: 1, POST: 1, complete: 1 })
    const [first] = spans('deliver default')
    const about = { 'hookonce.source': 'default', 'http.response.status_code': 200, 'url.path': '/webhook' }
    expect(first).toMatchObject({
      ...{ traceId: TRACE, parentSpanId: SENDER, kind: 2, failed: false, links: [] },
      attributes: { ...about, 'hookonce.outcome': 'executed', 'hookonce.attempt': 1 },
    })
    const [claim, forward, complete] = [spans('claim')[0], spans('POST')[0], spans('complete')[0]]
    for (const child of [claim, forward, complete]) expectWithin(child, first)
    expect(claim).toMatchObject(storeSpan(system, 'claim', 'acquired'))
    expect(complete).toMatchObject(storeSpan(system, 'complete', 'completed'))
    expect(forward).toMatchObject({
      kind: 3,
      failed: false,
      attributes: {
        'http.request.method': 'POST',
        'http.response.status_code': 200,
        'server.address': '127.0.0.1',
        'server.port': Number(new URL(upstream.url).port),
      },
    })
    expect(upstream.calls[0]?.headers.traceparent).toBe(`00-${TRACE}-${forward?.spanId}-01`)

    const replay = await deliver((await another()).url, '/webhook', 'a')
    expect(replay.headers).toMatchObject({ 'x-cached': 'true' })
    expect(replay.headers).not.toHaveProperty('hookonce-trace')
    await traced({ 'deliver default': 2, claim: 2, POST: 1, complete: 1 })
    const second = spans('deliver default')[1]
    expect(second).toMatchObject({ attributes: { 'hookonce.outcome': 'replayed' }, links: [first?.spanId] })
    expect(second?.attributes).not.toHaveProperty('hookonce.attempt')
    expectWithin(spans('claim')[1], second)
    expect(spans('claim')[1]).toMatchObject(storeSpan(system, 'claim', 'completed'))
  })

  test('what an inbox accepts and attempts; a duplicate leads to its acceptance', async () => {
    const { server, upstream, spans, traced, expectWithin } = await start(fresh() as Record<string, string>)
    upstream.answer = (_, response) => response.writeHead(upstream.calls.length < 2 ? 500 : 200).end()
    await deliver(server.url, '/hooks/mails', 'a')
    const attempted = { 'attempt mails': 2, POST: 2, fail: 1, complete: 1 }
    await traced({ 'deliver mails': 1, accept: 1, ...attempted })
    const [accepted] = spans('deliver mails')
    expect(accepted).toMatchObject({
      links: [],
      attributes: { 'hookonce.outcome': 'accepted', 'http.response.status_code': 202 },
    })
    expectWithin(spans('accept')[0], accepted)
    expect(spans('accept')[0]).toMatchObject(storeSpan(system, 'accept', 'accepted'))
    const attempts = spans('attempt mails')
    for (const [index, attempt] of attempts.entries()) {
      expect(attempt).toMatchObject({ parentSpanId: accepted?.spanId, kind: 5, failed: index === 0 })
      expect(attempt.attributes).toMatchObject({ 'hookonce.attempt': index + 1 })
      const forward = spans('POST').find(({ parentSpanId }) => parentSpanId === attempt.spanId)
      expectWithin(forward, attempt)
      expect(upstream.calls[index]?.headers.traceparent).toBe(`00-${TRACE}-${forward?.spanId}-01`)
    }
    expectWithin(spans('fail')[0], attempts[0])
    expectWithin(spans('complete')[0], attempts[1])

    await deliver(server.url, '/hooks/mails', 'a')
    await traced({ 'deliver mails': 2, accept: 2, ...attempted })
    expect(spans('deliver mails')[1]).toMatchObject({
      links: [accepted?.spanId],
      attributes: { 'hookonce.outcome': 'replayed' },
    })
    expect(spans('accept')[1]).toMatchObject(storeSpan(system, 'accept', 'known'))
  })
}

describe('sqlite', () => cases('sqlite', sqlite))
onRedis(store => cases('redis', store))
onPostgres(store => cases('postgresql', store))

test('failures have their kind, and the last spans are sent before the process ends', async () => {
  const { server, upstream, collector, spans } = await start({
    HOOKONCE_STORE_URL: 'memory:',
    OTEL_BSP_SCHEDULE_DELAY: '60000',
    OTEL_SERVICE_NAME: 'orders',
  })
  await deliver(server.url, '/webhook', 'kept')
  upstream.answer = (_, response, { socket }) => (upstream.calls.length === 2 ? socket.destroy() : response.end())
  await deliver(server.url, '/webhook', 'ended')
  upstream.answer = (_, response) => response.writeHead(500).end()
  await deliver(server.url, '/webhook', 'a')
  upstream.close()
  await deliver(server.url, '/webhook', 'a')
  expect(collector.spans).toEqual([])
  server.kill('SIGTERM')
  expect((await server.exited).code).toBe(0)
  const done = { failed: false, attributes: { 'hookonce.outcome': 'executed' } }
  const failed = { failed: true, attributes: { 'hookonce.outcome': 'failed' } }
  expect(spans('deliver default')).toMatchObject([done, done, failed, failed])
  expect(spans('POST')).toMatchObject([
    { failed: false, attributes: { 'http.response.status_code': 200 } },
    { failed: false, attributes: { 'http.response.status_code': 200, 'http.request.resend_count': 1 } },
    { failed: true, attributes: { 'http.response.status_code': 500, 'error.type': '500' } },
    { failed: true, attributes: { 'error.type': 'connect' } },
  ])
  expect(collector.resources[0]).toMatchObject({ 'service.name': 'orders' })
})

test('what its sender does not sample is passed on and not traced, and nothing leads to it', async () => {
  const { server, upstream, spans, traced } = await start()
  await deliver(server.url, '/webhook', 'a', '00')
  expect(upstream.calls[0]?.headers.traceparent).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`))
  await deliver(server.url, '/webhook', 'a')
  await traced({ 'deliver default': 1, claim: 1 })
  expect(spans('deliver default')[0]).toMatchObject({ attributes: { 'hookonce.outcome': 'replayed' }, links: [] })
})

test('lines of the log name the request and the trace, and the key by its hash', async () => {
  const { server } = await start({
    HOOKONCE_STORE_URL: 'memory:',
    HOOKONCE_LOG_DELIVERIES: '1',
    HOOKONCE_LOG_KEYS: 'hash',
  })
  const key = createHash('sha256').update('a').digest('hex').slice(0, 16)
  const ids: unknown[] = []
  for (const [path, flags] of [
    ['/webhook', '01'],
    ['/webhook', '01'],
    ['/hooks/mails', '01'],
    ['/webhook/no-idempotency', '00'],
  ] as const) {
    ids.push((await deliver(server.url, path, 'a', flags)).headers['x-request-id'])
  }
  expect(new Set(ids).size).toBe(4)
  // biome-ignore lint/suspicious/noExplicitAny: lines of a log
  const lines = (): any[] =>
    server
      .stdout()
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
  await until('the attempt is logged', () => lines().some(({ msg }) => msg === 'attempt'))
  await until('each has its line', () => lines().filter(({ msg }) => msg === 'delivery').length === 4)
  const took = { durationMs: expect.any(Number), traceId: TRACE, key }
  const delivery = { msg: 'delivery', ...took, status: 200 }
  const logged = lines().filter(({ msg }) => ['delivery', 'attempt'].includes(msg))
  expect(logged).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ ...delivery, requestId: ids[0], source: 'default', outcome: 'executed', attempt: 1 }),
      expect.objectContaining({ ...delivery, requestId: ids[1], outcome: 'replayed' }),
      expect.objectContaining({ ...delivery, requestId: ids[2], source: 'mails', outcome: 'accepted', status: 202 }),
      expect.objectContaining({ msg: 'attempt', ...took, requestId: ids[2], outcome: 'recorded', attempt: 1 }),
      expect.objectContaining({ msg: 'delivery', requestId: ids[3], outcome: 'executed', attempt: 1 }),
    ]),
  )
  const unsampled = logged.find(({ requestId }) => requestId === ids[3])
  expect(unsampled).not.toHaveProperty('traceId')
})
