import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { parseListenCommand } from '../../src/cli/listen/options.js'
import { send } from '../support/http.js'
import { runCli, startCli, startServer, stopServers } from '../support/server.js'
import { startUpstream, type Upstream } from '../support/upstream.js'

const TOKEN = 'a-long-enough-token'
const OPERATOR = { HOOKONCE_ADMIN_TOKEN: TOKEN }
const PATIENCE = { timeout: 60_000, interval: 50 }

const applications: Upstream[] = []
afterEach(async () => {
  for (const application of applications.splice(0)) await application.close()
})
afterAll(stopServers)

async function startApplication(...answer: Parameters<typeof startUpstream>): Promise<Upstream> {
  const application = await startUpstream(...answer)
  applications.push(application)
  return application
}

const folder = () => mkdtempSync(join(tmpdir(), 'hookonce-listen-'))

const deliver = (url: string, key: string, body = `{"key":"${key}"}`, path = '/webhook') =>
  send(url + path, {
    headers: { 'x-idempotency-key': key, 'content-type': 'application/json', authorization: 'Bearer of-the-sender' },
    body,
  })

function listenTo(url: string, ...args: string[]) {
  const command = startCli({ args: ['listen', '--from', url, ...args], env: OPERATOR })
  return { ...command, ready: () => vi.waitFor(() => expect(command.stderr()).toMatch(/copied/), PATIENCE) }
}

const keysOf = ({ calls }: Upstream) => calls.map(({ headers }) => headers['idempotency-key'] as string)

async function recordsOf(url: string) {
  const { json } = await send(`${url}/api/records?limit=500`, {
    method: 'GET',
    headers: { authorization: `Bearer ${TOKEN}` },
  })
  // It passes for the attempt that was killed.
  return json.records.map(({ lease_remaining_ms: _, ...record }: { lease_remaining_ms: number }) => record)
}

test('each delivery from then on is copied, in order, without the sender’s credentials', async () => {
  const server = await startServer({ env: { ...OPERATOR, HOOKONCE_RECORD_DELIVERY: 'all' } })
  const application = await startApplication()
  await deliver(server.url, 'before')
  const command = listenTo(server.url, '--forward-to', `${application.url}?from=hookonce`)
  await command.ready()
  for (const key of ['one', 'two', 'three']) await deliver(server.url, key)
  await vi.waitFor(() => expect(keysOf(application)).toEqual(['one', 'two', 'three']), PATIENCE)
  const [first] = application.calls
  expect(first).toMatchObject({ method: 'POST', url: '/hooks?from=hookonce', body: Buffer.from('{"key":"one"}') })
  expect(first!.headers).toMatchObject({ 'x-idempotency-key': 'one', 'content-type': 'application/json' })
  expect(first!.headers.authorization).toBeUndefined()
  expect(command.stdout()).toMatch(/ default {5}one +copied +200 /)
})

test('keys that are names of JavaScript are copied, each once', async () => {
  const server = await startServer({ env: { ...OPERATOR, HOOKONCE_MODE: 'inbox' } })
  const keys = ['constructor', '__proto__', 'toString']
  for (const key of keys) await deliver(server.url, key)
  const application = await startApplication()
  const state = join(folder(), 'state.json')
  const args = ['listen', '--from', server.url, '--since', '1h', '--once', '--forward-to', application.url]
  for (let i = 0; i < 2; i++) await runCli({ args: [...args, '--state', state], env: OPERATOR })
  expect(keysOf(application)).toEqual(keys)
})

test('what an inbox accepted is copied, also from the past, and filtered', async () => {
  const server = await startServer({ env: { ...OPERATOR, HOOKONCE_MODE: 'inbox' } })
  for (let i = 0; i < 30; i++) await deliver(server.url, `key-${i}`, `{"order":${4700 + i}}`)
  const application = await startApplication()
  const { stdout, code } = await runCli({
    args: [
      ...['listen', '--from', server.url, '--since', '1h', '--once', '--json'],
      ...['--forward-to', application.url.replace('http://', ''), '--contains', '"order":471'],
    ],
    env: OPERATOR,
  })
  expect(code).toBe(0)
  expect(keysOf(application)).toEqual(Array.from({ length: 10 }, (_, i) => `key-${10 + i}`))
  const lines = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  expect(lines[0]).toMatchObject({ source: 'default', key: 'key-10', copy: { status: 200 } })
})

test('under load, with server and listener killed, each delivery is copied and no record changes', async () => {
  const cwd = folder()
  const env = { ...OPERATOR, HOOKONCE_RECORD_DELIVERY: 'all' }
  const application = await startApplication()
  const state = join(cwd, 'state.json')
  const args = ['--forward-to', application.url, '--state', state]
  let server = await startServer({ env, cwd })
  const port = new URL(server.url).port
  let command = listenTo(server.url, ...args)
  await command.ready()

  const answered: string[] = []
  let isDone = false
  const load = Promise.all(
    Array.from({ length: 4 }, async (_, worker) => {
      for (let i = 0; !isDone && i < 5000; i++) {
        const key = `${worker}-${i}`
        const { status } = await deliver(server.url, key).catch(() => ({ status: 0 }))
        if (status === 200) answered.push(key)
        else await new Promise(resolve => setTimeout(resolve, 50))
      }
    }),
  )
  await vi.waitFor(() => expect(application.calls.length).toBeGreaterThan(50), PATIENCE)
  command.kill('SIGKILL')
  await command.exited
  server.kill('SIGKILL')
  await server.exited
  server = await startServer({ env: { ...env, PORT: port }, cwd })
  command = listenTo(server.url, ...args)
  const before = application.calls.length
  await vi.waitFor(() => expect(application.calls.length).toBeGreaterThan(before + 50), PATIENCE)
  isDone = true
  await load

  const records = await recordsOf(server.url)
  const copied = () => new Set(keysOf(application))
  await vi.waitFor(() => expect(answered.filter(key => !copied().has(key))).toEqual([]), PATIENCE)
  // What the killed server was about to answer is copied too; what was on its way to the application came twice.
  expect([...copied()].filter(key => !answered.includes(key)).length).toBeLessThanOrEqual(4)
  expect(application.calls.length - copied().size).toBeLessThanOrEqual(1)
  expect(await recordsOf(server.url)).toEqual(records)
}, 240_000)

test('copies wait for an application that is away', async () => {
  const server = await startServer({ env: { ...OPERATOR, HOOKONCE_RECORD_DELIVERY: 'all' } })
  const application = await startApplication()
  const { url } = application
  await application.close()
  applications.splice(0)
  const command = listenTo(server.url, '--forward-to', url)
  await command.ready()
  await deliver(server.url, 'one')
  await vi.waitFor(() => expect(command.stderr()).toMatch(/does not answer \(ECONNREFUSED\); trying again/), PATIENCE)
  const back = await startUpstream(undefined, Number(new URL(url).port))
  applications.push(back)
  await vi.waitFor(() => expect(keysOf(back)).toEqual(['one']), PATIENCE)
})

test('copies are written to files for tests', async () => {
  const server = await startServer({ env: { ...OPERATOR, HOOKONCE_RECORD_DELIVERY: 'all' } })
  await deliver(server.url, '../evt/1', '{"n":1}')
  await deliver(server.url, '..', '{"n":2}')
  for (const last of ['a', 'b']) await deliver(server.url, 'x'.repeat(250) + last)
  const record = folder()
  await runCli({ args: ['listen', '--from', server.url, '--since', '1h', '--once', '--record', record], env: OPERATOR })
  const files = readdirSync(join(record, 'default')).sort()
  const long = expect.stringMatching(/^x{183}-[0-9a-f]{16}\.json$/)
  expect(files).toEqual(['%2E%2E.json', '..%2Fevt%2F1.json', long, long])
  expect(JSON.parse(readFileSync(join(record, 'default', files[1]!), 'utf8'))).toMatchObject({
    ...{ source: 'default', key: '../evt/1', method: 'POST', url: '/webhook', body: '{"n":1}', body_encoding: 'utf8' },
  })
})

test('without deliveries that are kept it says what is copied, and what to set', async () => {
  const server = await startServer({ env: OPERATOR })
  const application = await startApplication()
  const command = listenTo(server.url, '--forward-to', application.url)
  await vi.waitFor(
    () => expect(command.stderr()).toMatch(/default: what failed is copied; with HOOKONCE_RECORD/),
    PATIENCE,
  )
  const none = await startServer({ env: { ...OPERATOR, HOOKONCE_RECORD_DELIVERY: 'none' } })
  const refused = await runCli({ args: ['listen', '--from', none.url], env: OPERATOR })
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/there is nothing to copy: set HOOKONCE_/)])
})

test('a wrong token, a wrong source and a foreign state file end it with the reason', async () => {
  const server = await startServer({ env: OPERATOR })
  const wrong = await runCli({ args: ['listen', '--from', server.url], env: { HOOKONCE_ADMIN_TOKEN: 'another-token' } })
  expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringMatching(/answered 401: set HOOKONCE_ADMIN_TOKEN/)])
  const unknown = await runCli({ args: ['listen', '--from', server.url, '--source', 'nobody'], env: OPERATOR })
  expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringMatching(/answered 404: .*nobody/)])
  const state = join(folder(), 'package.json')
  writeFileSync(state, '{"name":"mine"}')
  const foreign = await runCli({ args: ['listen', '--from', server.url, '--state', state], env: OPERATOR })
  expect(foreign.stderr).toMatch(/is no file of hookonce listen/)
  expect(readFileSync(state, 'utf8')).toBe('{"name":"mine"}')
})

test.each([
  [['--since', 'yesterday'], /--since must be a time like/],
  [['--once'], /--once needs --since/],
  [['--forward-to', 'ftp://x'], /--forward-to must be an http/],
  [['--from', 'nowhere'], /--from must be an http/],
  [['--nonsense'], /is not an option/],
  [['word'], /listen takes options only/],
])('options that make no sense are refused: %s', (args, error) => {
  expect(() => parseListenCommand(args)).toThrow(error)
})
