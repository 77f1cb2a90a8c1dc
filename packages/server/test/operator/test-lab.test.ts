import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import type { Store } from 'hookonce'
import { bearer, github, sendgrid, stripe } from 'hookonce/senders'
import { memoryStore } from 'hookonce/stores/memory'
import { redisStore } from 'hookonce/stores/redis'
import { sqliteStore } from 'hookonce/stores/sqlite'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startRedis } from '../../../../scripts/test-servers/redis.js'
import { TOOL_TIMEOUT_MS } from '../../../../scripts/test-tools/index.js'
import { closeApps, startApp } from '../support/app.js'
import { type HttpResponse, send } from '../support/http.js'
import { temporaryFolder } from '../support/server.js'

const SECRET = 'a-long-enough-secret-0123456789'
/** Of somebody else: it verifies nothing here. */
const PUBLIC_KEY =
  'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g=='

type App = Awaited<ReturnType<typeof startApp>>
let app: App
let handled: { source: string; body: string; event: string | undefined; attempt: number }[] = []

let letGo = () => {}

/** Answers when it is let. */
async function slowly(): Promise<Response> {
  await new Promise<void>(resolve => {
    letGo = resolve
  })
  return Response.json({ slow: true })
}

async function startLab(store: Store): Promise<void> {
  const note = (source: string) => ({
    leaseSeconds: 6,
    handle: (
      delivery: { text(): string; header(name: string): string | undefined },
      { number }: { number: number },
    ): Response => {
      handled.push({ source, body: delivery.text(), event: delivery.header('x-github-event'), attempt: number })
      return Response.json({ done: true })
    },
  })
  app = await startApp({
    store,
    env: { HOOKONCE_INBOX_CONCURRENCY: '5', HOOKONCE_ADMIN_TOKEN: TOKEN },
    sources: {
      till: { ...note('till'), sender: stripe({ secrets: [SECRET] }) },
      hub: { ...note('hub'), sender: github({ secrets: [SECRET] }) },
      partner: { ...note('partner'), sender: bearer({ tokens: [SECRET] }) },
      mail: { ...note('mail'), sender: sendgrid({ publicKeys: [PUBLIC_KEY] }) },
      plain: note('plain'),
      impatient: { ...note('impatient'), waitSeconds: 0 },
      slow: { ...note('slow'), handle: slowly },
      slowAndImpatient: { ...note('slow'), waitSeconds: 0, handle: slowly },
      later: { ...note('later'), mode: 'inbox', sender: stripe({ secrets: [SECRET] }) },
      private: { ...note('private'), sender: github({ secrets: [SECRET] }), redactDelivery: () => null },
    },
  })
}

const TOKEN = 'a-long-enough-token'
const AS_OPERATOR = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' }

afterEach(() => {
  handled = []
})

const get = (path: string) => send(app.url + path, { method: 'GET', headers: AS_OPERATOR })
const post = (path: string, body: object = {}) =>
  send(app.url + path, { headers: AS_OPERATOR, body: JSON.stringify(body) })

const linesOf = ({ text }: HttpResponse) =>
  text
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))

/** The lines of a test as they come. */
async function* watched(path: string, body: object = {}) {
  const request = { method: 'POST', headers: AS_OPERATOR, body: JSON.stringify(body) }
  const response = await fetch(app.url + path, request)
  for await (const line of createInterface(Readable.fromWeb(response.body as never))) yield JSON.parse(line)
}

const outcomes = ({ record }: { record: { history: { outcome: string }[] } }) =>
  record.history.map(({ outcome }) => outcome)

const audited = (action: string) => app.lines().filter(line => line.audit === true && line.action === action)

describe('on a memory store', () => {
  beforeAll(() => startLab(memoryStore()))
  afterAll(closeApps)

  test('a sender’s examples can be read and sent by their type', async () => {
    const { json } = await get('/api/test/examples?source=hub')
    expect(json.examples.map(({ event }: { event: string }) => event)).toEqual([
      'push',
      'pull_request',
      'issues',
      'ping',
    ])
    expect(json.examples[2]).toMatchObject({
      content_type: 'application/json',
      headers: [['x-github-event', 'issues']],
    })
    expect((await post('/api/test?source=hub', { event: 'issues' })).json.duplicate.status).toBe(200)
    expect(handled).toEqual([{ source: 'hub', body: expect.stringContaining('"opened"'), event: 'issues', attempt: 1 }])
    const wrong = await post('/api/test?source=hub', { event: 'isues' })
    expect([wrong.status, wrong.json.detail]).toEqual([
      400,
      'event must be one of: push, pull_request, issues, ping, not isues.',
    ])
    const plain = (await get('/api/test/examples?source=plain')).json.examples
    expect(plain).toMatchObject([{ event: 'test.event', headers: [] }])
  })

  describe('a tampered delivery', () => {
    test.each([
      ['till', 'body', 'body_changed'],
      ['till', 'timestamp', 'timestamp_old'],
      ['till', 'secret', 'secret_unknown'],
      ['till', 'signature', 'signature_missing'],
      ['hub', 'body', 'body_changed'],
      ['hub', 'signature', 'signature_missing'],
      ['partner', 'secret', 'secret_unknown'],
      ['partner', 'signature', 'signature_missing'],
      ['later', 'body', 'body_changed'],
    ])('to %s, with its %s wrong, is refused, diagnosed and kept', async (source, tamper, code) => {
      const { status, json } = await post(`/api/test/tampered?source=${source}`, { tamper })
      expect([status, json.answer.status, json.findings[0].code]).toEqual([200, 401, code])
      const kept = (await get(`/api/refused/delivery?source=${source}&id=${json.refused}`)).json
      expect([kept.code, kept.findings]).toEqual(['signature_invalid', json.findings])
      expect(handled).toEqual([])
      expect(audited('test_tampered').at(-1)).toMatchObject({ source, outcome: `${tamper} 401` })
    })

    test.each([
      ['partner', 'body', 'does not sign the body'],
      ['hub', 'timestamp', 'signs no time'],
      ['plain', 'body', 'has no sender'],
      ['mail', 'secret', 'private'],
    ])('to %s that nobody could tell by its %s is not sent', async (source, tamper, why) => {
      const { status, json } = await post(`/api/test/tampered?source=${source}`, { tamper })
      expect([status, json.detail]).toEqual([400, expect.stringContaining(why)])
      expect(handled).toEqual([])
    })

    test('is not kept where its source keeps none, and diagnosed all the same', async () => {
      const { json } = await post('/api/test/tampered?source=private', { tamper: 'body' })
      expect(json).toMatchObject({ answer: { status: 401 }, findings: [{ code: 'body_changed' }], refused: null })
    })
  })

  test('a hundred duplicates at once wait for the one that runs, which is told while they do', async () => {
    const lines = watched('/api/test/duplicates?source=slow', { key: 'slow-1' })
    expect((await lines.next()).value).toMatchObject({
      key: 'slow-1',
      sent: 100,
      waiting: 100,
      outcomes: {},
      done: false,
    })
    const second = await post('/api/test/duplicates?source=plain')
    expect([second.status, second.json.code]).toEqual([409, 'test_running'])
    expect((await post('/api/test/crash?source=plain')).json.code).toBe('test_running')
    let last = (await lines.next()).value
    expect([last.waiting, outcomes(last)]).toEqual([100, ['running']])
    letGo()
    for await (const line of lines) last = line
    expect(last).toMatchObject({
      waiting: 0,
      outcomes: { executed: 1, joined: 99 },
      statuses: { 200: 100 },
      done: true,
    })
    expect(outcomes(last)).toEqual(['recorded'])
  })

  test('duplicates that do not wait are told that it runs', async () => {
    const lines = watched('/api/test/duplicates?source=slowAndImpatient')
    let last = (await lines.next()).value
    while (last.waiting > 1) last = (await lines.next()).value
    expect(last.outcomes).toEqual({ in_progress: 99 })
    letGo()
    for await (const line of lines) last = line
    expect([last.outcomes, last.statuses]).toEqual([
      { in_progress: 99, executed: 1 },
      { 200: 1, 409: 99 },
    ])
  })

  test('a test goes on, and makes room for the next, when nobody watches it any more', async () => {
    const controller = new AbortController()
    const response = await fetch(`${app.url}/api/test/duplicates?source=slow`, {
      method: 'POST',
      headers: AS_OPERATOR,
      body: '{"key":"unwatched"}',
      signal: controller.signal,
    })
    await response.body!.getReader().read()
    controller.abort()
    expect((await post('/api/test/crash?source=plain')).status).toBe(409)
    await expect.poll(async () => (await get('/api/record?source=slow&key=unwatched')).json.state).toBe('running')
    letGo()
    await expect.poll(() => audited('test_duplicates').at(-1)).toMatchObject({ key: 'unwatched', outcome: 'completed' })
    expect((await post('/api/test/duplicates?source=plain')).status).toBe(200)
  })

  test('a crash while duplicates do not wait: they are refused until the key is free', async () => {
    const last = linesOf(await post('/api/test/crash?source=impatient')).at(-1)
    expect(last.answers[0]).toMatchObject({ status: 409, retry_after: '1' })
    expect(last.answers.at(-1)).toMatchObject({ status: 200, retry_after: null })
    expect(outcomes(last)).toEqual(['lost', 'recorded'])
  })

  test('a crash needs a new key', async () => {
    await post('/api/test?source=plain', { key: 'used' })
    const { status, json } = await post('/api/test/crash?source=plain', { key: 'used' })
    expect([status, json.code]).toEqual([409, 'test_key_used'])
    expect((await post('/api/test/duplicates?source=plain', { key: 'used' })).status).toBe(200)
  })

  test.each(['', '/tampered', '/duplicates', '/crash'])('/api/test%s needs the token', async path => {
    const answer = await send(`${app.url}/api/test${path}?source=till`, {
      headers: { 'content-type': 'application/json', authorization: 'Bearer wrong-but-long-enough' },
    })
    expect(answer.status).toBe(401)
    expect(handled).toEqual([])
  })
})

test.each(['', '/tampered', '/duplicates', '/crash'])('/api/test%s signs nothing without a token', async path => {
  const sender = github({ secrets: [SECRET] })
  const { url } = await startApp({ sources: { hub: { sender } }, access: { mode: 'open', reason: 'a test' } })
  const answer = await send(`${url}/api/test${path}?source=hub`, { headers: { 'content-type': 'application/json' } })
  expect([answer.status, answer.json.code]).toEqual([403, 'operator_access_denied'])
  await closeApps()
})

/** What each store must bear out. */
function cases(open: () => Store): void {
  beforeAll(() => startLab(open()))
  afterAll(closeApps)

  test('a hundred duplicates at once run once', async () => {
    const last = linesOf(await post('/api/test/duplicates?source=till')).at(-1)
    expect(last).toMatchObject({ waiting: 0, statuses: { 200: 100 }, record: { state: 'completed' }, done: true })
    expect([last.outcomes.executed, handled.length, outcomes(last)]).toEqual([1, 1, ['recorded']])
  })

  test('a hundred accepted at once run once', async () => {
    const last = linesOf(await post('/api/test/duplicates?source=later')).at(-1)
    expect(last).toMatchObject({ statuses: { 202: 100 }, record: { state: 'completed' }, done: true })
    expect([handled.length, outcomes(last)]).toEqual([1, ['recorded']])
  })

  test('a crash is healed by the next delivery, once the lease is over', async () => {
    const lines = linesOf(await post('/api/test/crash?source=till'))
    expect(lines[0]).toMatchObject({ lease_ms: 3000, answers: [], done: false })
    expect(lines.some(({ waiting, record }) => waiting && record?.lease_remaining_ms > 0)).toBe(true)
    const last = lines.at(-1)
    expect(last).toMatchObject({ answers: [{ status: 200 }], record: { state: 'completed', losses: 1 }, done: true })
    expect(last.error).toBeUndefined()
    expect([outcomes(last), handled.map(({ attempt }) => attempt)]).toEqual([['lost', 'recorded'], [2]])
    const [lost, recorded] = last.record.history
    expect(lost.process).not.toBe(recorded.process)
    expect(audited('test_crash').at(-1)).toMatchObject({ source: 'till', key: last.key, outcome: 'completed' })
  })

  test('a crash of a worker is healed by another one', async () => {
    const last = linesOf(await post('/api/test/crash?source=later')).at(-1)
    expect(last).toMatchObject({ answers: [{ status: 202 }], record: { state: 'completed', losses: 1 }, done: true })
    expect([outcomes(last), handled.map(({ attempt }) => attempt)]).toEqual([['lost', 'recorded'], [2]])
  })
}

describe('on SQLite', () => cases(() => sqliteStore(join(temporaryFolder(), 'hookonce.db'))))

describe('on Redis', () => {
  let redis: Awaited<ReturnType<typeof startRedis>>
  beforeAll(async () => {
    redis = await startRedis()
  }, TOOL_TIMEOUT_MS)
  afterAll(() => redis?.stop())
  describe('a server', () => cases(() => redisStore(redis.url)))
})
