import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { until } from '../process/support/until.js'
import { send } from '../support/http.js'
import { scrape } from '../support/metrics.js'
import { startServer, stopServers, temporaryFolder } from '../support/server.js'

afterAll(stopServers)

const deliver = (url: string, key: string, path = '/webhook', body = '{}') =>
  send(url + path, { headers: { 'x-idempotency-key': key }, body })

/** A server whose config file has this default export. */
function startWith(config: string, env: Record<string, string> = {}) {
  const cwd = temporaryFolder()
  writeFileSync(join(cwd, 'hookonce.config.mjs'), `export default ${config}\n`)
  return startServer({ cwd, env: { HOOKONCE_STORE_URL: 'memory:', ...env } })
}

test('deliveries are counted and measured by source and outcome', async () => {
  const { url } = await startWith(`{ sources: { orders: { handle: () => Response.json({ ok: true }) } } }`, {
    HOOKONCE_MAX_BODY_BYTES: '100',
  })
  await deliver(url, 'a')
  await deliver(url, 'a')
  await deliver(url, 'a', '/webhook', '{"other":1}')
  await deliver(url, 'not valid')
  await deliver(url, 'b', '/webhook', 'x'.repeat(101))
  await deliver(url, 'c', '/webhook', 'not JSON')
  await deliver(url, 'k', '/webhook/no-idempotency')
  await deliver(url, 'a', '/hooks/orders')

  const seen = await scrape(url)
  const count = (outcome: string, source = 'default') => seen.value('deliveries_total', { source, outcome })
  expect(count('executed')).toBe(2)
  expect(count('replayed')).toBe(1)
  expect(count('mismatch')).toBe(1)
  expect(count('invalid')).toBe(2)
  expect(count('failed')).toBe(1)
  expect(count('joined')).toBe(0)
  expect(count('executed', 'orders')).toBe(1)
  expect(seen.value('delivery_duration_seconds_count', { source: 'default', outcome: 'replayed' })).toBe(1)
  expect(seen.value('replay_age_seconds_count', { source: 'default' })).toBe(1)
  expect(seen.value('attempts_total', { source: 'default', end: 'recorded' })).toBe(2)
  expect(seen.value('attempts_total', { source: 'default', end: 'given_back' })).toBe(1)
  expect(seen.value('handler_duration_seconds_count', { source: 'orders' })).toBe(1)
  expect(seen.value('attempts_running', { source: 'default' })).toBe(0)
  expect(seen.value('store_operation_duration_seconds_count', { operation: 'claim' })).toBe(5)
  expect(seen.value('store_records')).toBe(3)
  expect(seen.value('deliveries_in_flight')).toBe(0)
  expect(seen.names).toContain('nodejs_eventloop_lag_p99_seconds')
})

test('the latency buckets separate 10 ms from 25 ms', async () => {
  const { url } = await startWith('{}')
  await deliver(url, 'a')
  const seen = await scrape(url)
  for (const le of ['0.01', '0.025', '30', '+Inf']) {
    const labels = { source: 'default', outcome: 'executed', le }
    expect(seen.value('delivery_duration_seconds_bucket', labels)).toBeTypeOf('number')
  }
})

test('nothing from a sender becomes a label', async () => {
  const { url } = await startWith('{}')
  for (const path of ['/webhook', '/hooks/nobody', '/webhook/x', '/hooks/default?source=evil']) {
    await deliver(url, 'evil-key', path)
  }
  const seen = await scrape(url)
  expect([...seen.labelValues('source')]).toEqual(['default'])
})

test('waiting duplicates and lost attempts are counted', async () => {
  const { url } = await startWith('{ sources: { stuck: { handle: () => new Promise(() => {}) } } }', {
    HOOKONCE_LOCK_TTL_SECONDS: '3',
    HOOKONCE_LEASE_SECONDS: '0.6',
  })
  const source = 'stuck'
  const first = deliver(url, 'a', '/hooks/stuck')
  await until('it runs', async () => (await scrape(url)).value('attempts_running', { source }) === 1)
  const second = deliver(url, 'a', '/hooks/stuck')
  const meanwhile = await until('one waits', async () => {
    const seen = await scrape(url)
    return seen.value('waiting_duplicates') === 1 && seen
  })
  expect(meanwhile.value('deliveries_in_flight')).toBe(2)
  await Promise.all([first, second])
  const after = await scrape(url)
  expect(after.value('waiting_duplicates')).toBe(0)
  expect(after.value('attempts_running', { source })).toBe(0)
  expect(after.value('lease_renewals_total', { source })).toBeGreaterThan(0)
  expect(after.value('lost_attempts_total', { source, reason: 'lock_ttl' })).toBe(1)
  expect(after.value('deliveries_total', { source, outcome: 'lost' })).toBe(2)
})

test('an inbox exposes its depth, its overdue time and its dead letters', async () => {
  const config = `{ sources: { mails: { mode: 'inbox', handle: () => new Response('', { status: 400 }) } } }`
  const env = { HOOKONCE_STORE_URL: 'sqlite:./store.db' }
  const dying = await startWith(config.replace('handle:', 'retryDelaysSeconds: [], handle:'), env)
  await deliver(dying.url, 'a', '/hooks/mails')
  const source = 'mails'
  await until('it died', async () => (await scrape(dying.url)).value('inbox_dead_letters_total', { source }) === 1)
  await until('the store is asked again', async () => (await scrape(dying.url)).value('inbox_dead', { source }) === 1)

  const idle = await startWith(config, { ...env, HOOKONCE_INBOX_CONCURRENCY: '0' })
  for (const key of ['a', 'b', 'c']) await deliver(idle.url, key, '/hooks/mails')
  const seen = await scrape(idle.url)
  expect(seen.value('inbox_depth', { source })).toBe(3)
  expect(seen.value('inbox_overdue_seconds', { source })).toBeGreaterThan(0)
  expect(seen.value('inbox_dead', { source })).toBe(0)
  expect(seen.value('deliveries_total', { source, outcome: 'accepted' })).toBe(3)
})

test('metrics are for operators', async () => {
  const { url } = await startWith('{}', { HOOKONCE_ADMIN_TOKEN: 'a-token-for-tests' })
  expect((await send(`${url}/metrics`, { method: 'GET' })).status).toBe(401)
  const headers = { authorization: 'Bearer a-token-for-tests' }
  const { status, headers: answered } = await send(`${url}/metrics`, { method: 'GET', headers })
  expect([status, answered['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
})
