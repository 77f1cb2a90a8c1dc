import { setTimeout as sleep } from 'node:timers/promises'
import { memoryStore } from 'hookonce/stores/memory'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { closeApps, startApp } from '../../support/app.js'
import { send } from '../../support/http.js'
import { scrape } from '../../support/metrics.js'
import { startSockets } from '../../support/sockets.js'
import { startUpstream, type UpstreamAnswer } from '../../support/upstream.js'

const closing: (() => void)[] = []
// What one application tells another in this process hears as well.
afterEach(async () => {
  for (const close of closing.splice(0)) close()
  await closeApps()
})

const applicationThat = async (answer: UpstreamAnswer) => {
  const upstream = await startUpstream(answer)
  closing.push(upstream.close)
  return upstream.url
}

async function notHttp() {
  const sockets = await startSockets(socket => socket.end('SSH-2.0-OpenSSH_9.2\r\n'))
  closing.push(sockets.close)
  return sockets.url
}

/** What becomes of a forward, by where it leads: how it is counted, and what is said of it. */
const FAILURES: [what: string, url: () => string | Promise<string>, kind: string, said: RegExp][] = [
  [
    'an answer of 503',
    () => applicationThat((_, response) => response.writeHead(503).end('database\nis down')),
    'status_5xx',
    /^status 503: database\\nis down$/,
  ],
  [
    'an answer of 422',
    () => applicationThat((_, response) => response.writeHead(422).end()),
    'status_4xx',
    /^status 422$/,
  ],
  ['a redirect', () => applicationThat((_, response) => response.writeHead(307).end()), 'status_3xx', /^status 307$/],
  ['nobody there', () => 'http://127.0.0.1:1/', 'connect', /^ECONNREFUSED 127\.0\.0\.1:1$/],
  [
    'nobody at any address of a name',
    () => 'http://localhost:1/',
    'connect',
    /^ECONNREFUSED \S+:1(, ECONNREFUSED \S+:1)?$/,
  ],
  ['a name that is not known', () => 'http://nobody.invalid/', 'dns', /^(ENOTFOUND|EAI_AGAIN) nobody\.invalid$/],
  ['an application that is silent', () => applicationThat(() => {}), 'timeout', /^timeout after 300 ms$/],
  [
    'an application without TLS',
    async () => (await applicationThat(() => {})).replace('http:', 'https:'),
    'tls',
    /^TLS: E/,
  ],
  ['no HTTP', notHttp, 'broken', /^HPE_INVALID_CONSTANT: Parse Error: /],
  [
    'an answer that breaks off',
    () =>
      applicationThat((_, response) => {
        response.writeHead(200, { 'Content-Length': '100' }).write('part', () => response.destroy())
      }),
    'broken',
    /^ECONNRESET: aborted$/,
  ],
]

describe.each(['inline', 'inbox'])('%s: a failed forward is recorded, logged and counted by its reason', mode => {
  test.each(FAILURES)('%s', async (_, url, kind, said) => {
    const env = {
      HOOKONCE_FORWARD_TO: await url(),
      HOOKONCE_FORWARD_TIMEOUT_SECONDS: kind === 'timeout' ? '0.3' : '10',
      HOOKONCE_MODE: mode,
    }
    const app = await startApp({ env })
    const failures = async () => (await scrape(app.url)).value('forward_failures_total', { source: 'default', kind })
    expect(await failures()).toBe(0)
    const headers = { 'X-Idempotency-Key': 'a', 'X-Request-Id': 'request-1' }
    const answer = await send(`${app.url}/webhook`, { headers, body: '{"a secret of":"the sender"}' })
    await vi.waitFor(async () => expect((await app.receiver.record('default', 'a'))?.lastError).toMatch(said), 20_000)

    const line = app.lines().find(({ msg }) => msg === 'attempt given back')
    expect(line).toMatchObject({ level: 40, source: 'default', attempt: 1, requestId: 'request-1' })
    expect(line).toMatchObject({ reason: expect.stringMatching(said), durationMs: expect.any(Number) })
    expect(await failures()).toBe(1)
    expect(app.logged()).not.toMatch(/the sender|"key"/)
    if (mode === 'inbox') return
    const failed = app.lines().find(({ msg }) => msg === 'delivery failed')
    if (answer.status < 500) return
    expect(failed).toMatchObject({
      source: 'default',
      attempt: 1,
      requestId: 'request-1',
      durationMs: expect.any(Number),
    })
    expect(answer.text).not.toMatch(/ECONN|127\.0\.0\.1|TLS/)
  })
})

test('credentials in a response are not quoted', async () => {
  const url = await applicationThat(({ headers }, response) => response.writeHead(500).end(JSON.stringify(headers)))
  const own = await startApp({ env: { HOOKONCE_FORWARD_TO: url.replace('//', '//user:pa55-word@') } })
  await send(`${own.url}/webhook`, { headers: { 'X-Idempotency-Key': 'a' } })
  expect((await own.receiver.record('default', 'a'))?.lastError).toBe(
    'status 500 (body not shown: it quotes credentials)',
  )

  const theirs = await startApp({ env: { HOOKONCE_FORWARD_TO: url } })
  const headers = ['Authorization', 'Bearer sesame-open', 'Cookie', 'session=c00kie-value', 'X-Idempotency-Key', 'a']
  await send(`${theirs.url}/webhook`, { headers })
  const lastError = (await theirs.receiver.record('default', 'a'))?.lastError
  expect(lastError).toMatch(/^status 500: \{.*\[redacted\]/)
  expect(`${lastError}${own.logged()}${theirs.logged()}`).not.toMatch(/sesame|c00kie|pa55|dXNlcjpw/)
})

test('with recordBody: false nothing is quoted', async () => {
  const url = await applicationThat((_, response) => response.writeHead(500).end('name: Ann'))
  const app = await startApp({ env: { HOOKONCE_FORWARD_TO: url }, sources: { default: { recordBody: false } } })
  await send(`${app.url}/webhook`, { headers: { 'X-Idempotency-Key': 'a' } })
  expect((await app.receiver.record('default', 'a'))?.lastError).toBe('status 500')
})

describe('a request', () => {
  test('has an id in the log, at the application and in its answer, replay or not', async () => {
    let status = 500
    const upstream = await startUpstream((_, response) => response.writeHead(status).end('x'))
    closing.push(upstream.close)
    const app = await startApp({ env: { HOOKONCE_FORWARD_TO: upstream.url } })
    const names = new Set<string>()
    for (const _ of ['one', 'two']) {
      const { headers } = await send(`${app.url}/webhook`)
      const name = headers['x-request-id'] as string
      expect(name).toMatch(/^[0-9a-f]{10}-[0-9a-z]+$/)
      expect(upstream.calls.at(-1)!.headers['x-request-id']).toBe(name)
      expect(app.lines().at(-1)).toMatchObject({ requestId: name })
      names.add(name)
    }
    expect(names.size).toBe(2)

    status = 200
    const first = await send(`${app.url}/webhook`, { headers: { 'X-Idempotency-Key': 'a' } })
    const replay = await send(`${app.url}/webhook`, { headers: { 'X-Idempotency-Key': 'a' } })
    const ids = [first, replay].map(({ headers }) => headers['x-request-id'])
    expect(new Set([...ids, ...names]).size).toBe(4)
    expect(upstream.calls.at(-1)!.headers['x-request-id']).toBe(ids[0])
  })

  test('keeps a valid X-Request-Id', async () => {
    const upstream = await startUpstream((_, response) => response.writeHead(500).end())
    closing.push(upstream.close)
    const app = await startApp({ env: { HOOKONCE_FORWARD_TO: upstream.url } })
    const ask = async (...names: string[]) => {
      const headers = names.flatMap(name => ['X-Request-Id', name])
      return (await send(`${app.url}/webhook`, { headers })).headers['x-request-id']
    }
    expect(await ask('trace.1/2')).toBe('trace.1/2')
    for (const unfit of [['two words'], ['x'.repeat(129)], ['a', 'b'], ['\u00e9']]) {
      expect(await ask(...unfit)).toMatch(/^[0-9a-f]{10}-/)
    }
  })

  test.each([500, 200])(
    'answered %d by an application with an id of its own has its own all the same',
    async status => {
      const url = await applicationThat((_, response) =>
        response.writeHead(status, { 'X-Request-Id': 'another' }).end(),
      )
      const app = await startApp({ env: { HOOKONCE_FORWARD_TO: url } })
      for (const id of ['first', 'duplicate']) {
        const headers = { 'X-Idempotency-Key': 'a', 'X-Request-Id': id }
        expect((await send(`${app.url}/webhook`, { headers })).headers['x-request-id']).toBe(id)
      }
      expect((await app.receiver.record('default', 'a'))?.response?.headers ?? []).not.toContainEqual([
        'x-request-id',
        expect.anything(),
      ])
    },
  )
})

describe('keys in warnings', () => {
  const lineWith = async (env: Record<string, string>, headers: Record<string, string>) => {
    const app = await startApp({ env: { HOOKONCE_FORWARD_TO: 'http://127.0.0.1:1/', ...env } })
    await send(`${app.url}/webhook`, { headers })
    const lines = app.lines()
    expect(lines.map(({ msg }) => msg)).toEqual(['attempt given back', 'delivery failed'])
    return lines.map(({ key }) => key)
  }
  const keyed = { 'X-Idempotency-Key': 'evt_1' }

  test.each<[setting: string | undefined, key: string | undefined]>([
    [undefined, undefined],
    ['none', undefined],
    ['hash', '7d4e5a76eae6d8c1'],
    ['plain', 'evt_1'],
  ])('HOOKONCE_LOG_KEYS=%s', async (setting, key) => {
    expect(await lineWith(setting === undefined ? {} : { HOOKONCE_LOG_KEYS: setting }, keyed)).toEqual([key, key])
  })

  test('a delivery without one has none', async () => {
    expect(await lineWith({ HOOKONCE_LOG_KEYS: 'hash' }, {})).toEqual([null, null])
  })
})

test('a takeover is logged, counted and recorded', async () => {
  const store = memoryStore()
  const lost = { leaseId: 'a'.repeat(32), leaseMs: 1, lockTtlMs: 60_000, retentionMs: 60_000, maxLosses: 10 }
  await store.claim({ scope: 'default', key: 'a', fingerprint: null, ...lost })
  await sleep(5)
  const app = await startApp({ store })
  expect((await scrape(app.url)).value('takeovers_total', { source: 'default' })).toBe(0)
  await send(`${app.url}/webhook`, { headers: { 'X-Idempotency-Key': 'a', 'X-Request-Id': 'r1' }, body: '{}' })
  const about = { source: 'default', attempt: 2, requestId: 'r1', durationMs: expect.any(Number) }
  expect(app.lines()).toMatchObject([{ level: 40, msg: 'attempt taken over', ...about }])
  expect((await scrape(app.url)).value('takeovers_total', { source: 'default' })).toBe(1)
  const { json } = await send(`${app.url}/api/record?key=a`, { method: 'GET' })
  expect(json).toMatchObject({ losses: 1, last_error: 'attempt 1 was lost: its lease ended without a word' })
})
