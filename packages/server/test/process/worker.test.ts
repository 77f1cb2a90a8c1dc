import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { send } from '../support/http.js'
import { scrape } from '../support/metrics.js'
import { deliver, recordOf } from './support/deliver.js'
import { newStoreFile, ServerProcess, type Settings, startServer } from './support/server.js'
import { until } from './support/until.js'
import { startUpstream } from './support/upstream.js'

const TOKEN = 'a-long-enough-token'

const settings = (upstream: { url: string }): Settings => ({
  HOOKONCE_STORE_URL: `sqlite:${newStoreFile()}`,
  HOOKONCE_MODE: 'inbox',
  HOOKONCE_FORWARD_TO: upstream.url,
})

const startWorker = (given: Settings) => startServer(given, { args: ['work'] })

const get = (url: string, token?: string) =>
  send(url, { method: 'GET', headers: token === undefined ? {} : { authorization: `Bearer ${token}` } })

test('a worker with a port has health and metrics', async () => {
  const upstream = await startUpstream()
  const shared = settings(upstream)
  const receiver = await startServer({ ...shared, HOOKONCE_INBOX_CONCURRENCY: 0 })
  const worker = await startWorker({ ...shared, HOOKONCE_WORK_PORT: 0 })
  expect((await get(`${worker.url}/healthz`)).status).toBe(200)
  const ready = await get(`${worker.url}/readyz`)
  expect([ready.status, ready.json]).toEqual([200, { status: 'ready', store: 'sqlite' }])

  await deliver(receiver, 'k')
  const recorded = { source: 'default', end: 'recorded' }
  await until('the attempt is counted', async () => (await scrape(worker.url)).value('attempts_total', recorded) === 1)
  expect((await scrape(receiver.url)).value('attempts_total', recorded)).toBe(0)
  expect((await scrape(worker.url)).value('handler_duration_seconds_count', { source: 'default' })).toBe(1)
})

test('a receiver and a worker count from zero, so that what happens before the first scrape is seen as a rise', async () => {
  const shared = settings(await startUpstream())
  const processes = await Promise.all([
    startServer({ ...shared, HOOKONCE_INBOX_CONCURRENCY: 0 }),
    startWorker({ ...shared, HOOKONCE_WORK_PORT: 0 }),
  ])
  const source = 'default'
  for (const { url } of processes) {
    const seen = await scrape(url)
    for (const end of ['recorded', 'given_back', 'threw', 'lost', 'fenced', 'unreachable'])
      expect(seen.value('attempts_total', { source, end }), end).toBe(0)
    for (const reason of ['lease', 'lock_ttl', 'deleted'])
      expect(seen.value('lost_attempts_total', { source, reason }), reason).toBe(0)
    for (const kind of ['connect', 'dns', 'tls', 'timeout', 'status_5xx'])
      expect(seen.value('forward_failures_total', { source, kind }), kind).toBe(0)
    for (const outcome of ['accepted', 'unauthorized', 'invalid'])
      expect(seen.value('deliveries_total', { source, outcome }), outcome).toBe(0)
    for (const name of ['takeovers', 'fenced_results', 'dropped_results', 'inbox_dead_letters'])
      expect(seen.value(`${name}_total`, { source }), name).toBe(0)
  }
})

test('it has no other routes, and its metrics are for operators', async () => {
  const worker = await startWorker({
    ...settings(await startUpstream()),
    HOOKONCE_WORK_PORT: 0,
    HOOKONCE_ADMIN_TOKEN: TOKEN,
  })
  expect((await get(`${worker.url}/metrics`)).status).toBe(401)
  expect((await get(`${worker.url}/metrics`, 'wrong-token')).status).toBe(401)
  expect((await get(`${worker.url}/metrics`, TOKEN)).status).toBe(200)
  expect((await get(`${worker.url}/dashboard`, TOKEN)).status).toBe(404)
  expect((await get(`${worker.url}/api/records`, TOKEN)).status).toBe(404)
  expect((await send(`${worker.url}/webhook`, { headers: { 'x-idempotency-key': 'k' }, body: '{}' })).status).toBe(404)
  worker.signal('SIGTERM')
  expect(await worker.exited).toBe(0)
})

test('beside a server it uses the same token file; without a port it creates none', async () => {
  const path = newStoreFile()
  const shared = {
    ...settings(await startUpstream()),
    HOOKONCE_STORE_URL: `sqlite:${path}`,
    HOOKONCE_OPERATOR_ACCESS: 'token',
  }
  const file = join(dirname(path), 'operator-token')
  await startWorker(shared)
  expect(existsSync(file)).toBe(false)
  const [worker, server] = await Promise.all([
    startWorker({ ...shared, HOOKONCE_WORK_PORT: 0 }),
    startServer({ ...shared, HOOKONCE_INBOX_CONCURRENCY: 0 }),
  ])
  const token = readFileSync(file, 'utf8').trim()
  for (const { url } of [worker, server]) {
    expect((await get(`${url}/metrics`)).status).toBe(401)
    expect((await get(`${url}/metrics`, token)).status).toBe(200)
  }
})

test('it listens only on a configured port, and names a port that it cannot use', async () => {
  const shared = settings(await startUpstream())
  const worker = await startWorker(shared)
  expect(worker.logged('working')[0]).not.toHaveProperty('urls')

  const other = createServer()
  await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as { port: number }
  const refused = new ServerProcess({ ...shared, HOOKONCE_WORK_PORT: port }, { args: ['work'] })
  expect(await refused.exited).toBe(1)
  other.close()
  expect(refused.stderr).toContain(
    `cannot listen on 127.0.0.1:${port}: the port is in use; choose another with --work-port or`,
  )
})

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s: a worker records what runs, and ends', async signal => {
  const upstream = await startUpstream({ takes: () => 'held' })
  const shared = settings(upstream)
  const receiver = await startServer({ ...shared, HOOKONCE_INBOX_CONCURRENCY: 0 })
  const worker = await startWorker(shared)
  await deliver(receiver, 'k')
  await until('the attempt runs', () => upstream.calls.length === 1)
  worker.signal(signal)
  await until('the worker drains', () => worker.logged('shutting down').length === 1)
  upstream.calls[0]!.answer()
  expect(await worker.exited).toBe(0)
  expect(await recordOf(receiver, 'k')).toMatchObject({ state: 'completed', attempts: 1 })
})
