import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, expect, test, vi } from 'vitest'
import { eventsIn, type ServerSentEvent } from '../../src/cli/tail/event-stream.js'
import { parseTailCommand } from '../../src/cli/tail/options.js'
import { CLI, runCli, startCli, startServer, stopServers } from '../support/server.js'

afterAll(stopServers)

const TOKEN = 'a-long-enough-token'
const STORE = { HOOKONCE_STORE_URL: 'memory:' }

const deliver = (url: string, key: string, body = '{"n":1}') =>
  fetch(`${url}/webhook`, {
    method: 'POST',
    headers: { 'x-idempotency-key': key, 'content-type': 'application/json' },
    body,
  })

const lines = (text: string) => text.split('\n').filter(line => line !== '')

/** Delivers until the command prints: it may not be connected yet. */
async function untilItPrints(url: string, stdout: () => string): Promise<void> {
  const before = stdout().length
  await vi.waitFor(
    async () => {
      await deliver(url, 'first')
      expect(stdout().length).toBeGreaterThan(before)
    },
    { timeout: 30_000, interval: 500 },
  )
}

test('each delivery is a line with its key and its outcome; after a restart of the server it goes on', async () => {
  const env = { ...STORE, HOOKONCE_ADMIN_TOKEN: TOKEN }
  const server = await startServer({ env })
  const command = startCli({ args: ['tail', '--json', '--url', server.url], env: { HOOKONCE_ADMIN_TOKEN: TOKEN } })
  await untilItPrints(server.url, command.stdout)
  await deliver(server.url, 'evt_1')
  await deliver(server.url, 'evt_1')
  await deliver(server.url, 'evt_1', '{"n":2}')
  const told = () =>
    lines(command.stdout())
      .map(line => JSON.parse(line))
      .filter(({ key }) => key === 'evt_1')
  await vi.waitFor(
    () => expect(told().map(({ outcome }) => outcome)).toEqual(['executed', 'replayed', 'mismatch']),
    20_000,
  )
  expect(told()[0]).toEqual({
    at: expect.stringMatching(/^\d{4}-/),
    source: 'default',
    key: 'evt_1',
    request_id: expect.any(String),
    outcome: 'executed',
    status: 200,
    ms: expect.any(Number),
  })

  server.kill('SIGKILL')
  await server.exited
  await vi.waitFor(() => expect(command.stderr()).toMatch(/trying again/), 10_000)
  await startServer({ env: { ...env, PORT: new URL(server.url).port } })
  await untilItPrints(server.url, command.stdout)
  command.kill('SIGINT')
  expect((await command.exited).signal).toBe('SIGINT')
})

test('for people a line has the time, the source, the key, the outcome; with --problems only what did not go well', async () => {
  const { url } = await startServer({ env: STORE })
  const all = startCli({ args: ['tail', '--url', url] })
  const problems = startCli({ args: ['tail', '--problems', '--url', url] })
  await untilItPrints(url, all.stdout)
  await vi.waitFor(
    async () => {
      await deliver(url, 'first', '{"other":1}')
      expect(problems.stdout()).toMatch(/^\d\d:\d\d:\d\d\.\d{3} {2}default {5}first +mismatch +422 +\d+\.\d ms$/m)
    },
    { timeout: 30_000, interval: 500 },
  )
  expect(all.stdout()).toMatch(/ {2}default {5}first +(executed|replayed) +200 /)
  expect(problems.stdout()).not.toMatch(/executed|replayed/)
})

test('a server that refuses, and an option that is wrong, end it with a word', async () => {
  const { url } = await startServer({ env: { ...STORE, HOOKONCE_ADMIN_TOKEN: TOKEN } })
  const refused = await runCli({ args: ['tail', '--url', url] })
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('set HOOKONCE_ADMIN_TOKEN to its token')])
  const lost = await runCli({ args: ['tail', '--url', `${url}/nowhere`], env: { HOOKONCE_ADMIN_TOKEN: TOKEN } })
  expect([lost.code, lost.stderr]).toEqual([1, expect.stringContaining('answered 404')])
  for (const args of [['--url', 'nonsense'], ['--url', 'http://a:b@localhost'], ['word'], ['--sauce', 'x']]) {
    expect(() => parseTailCommand(args)).toThrow(/--url|word|--sauce/)
  }
})

test('it ends when its reader does', async () => {
  const { url } = await startServer({ env: STORE })
  const piped = spawn('bash', ['-c', `'${process.execPath}' '${CLI}' tail --json --url '${url}' | head -n 1`], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  let errors = ''
  piped.stdout.on('data', chunk => (output += chunk))
  piped.stderr.on('data', chunk => (errors += chunk))
  const exited = once(piped, 'close')
  let ended = false
  void exited.then(() => (ended = true))
  await vi.waitFor(
    async () => {
      await deliver(url, crypto.randomUUID())
      expect(ended).toBe(true)
    },
    { timeout: 30_000, interval: 200 },
  )
  expect([lines(output).length, errors]).toEqual([1, ''])
})

test('events are read across the borders of chunks', async () => {
  const text = Buffer.from('event: delivery\ndata: {"key":"ü"}\n\nevent: overview\ndata: {}\n\nevent: cut')
  for (let size = 1; size <= text.length; size++) {
    const chunks = Array.from({ length: Math.ceil(text.length / size) }, (_, i) =>
      text.subarray(i * size, (i + 1) * size),
    )
    const read: ServerSentEvent[] = []
    for await (const event of eventsIn(ReadableStream.from(chunks))) read.push(event)
    expect(read).toEqual([
      { name: 'delivery', data: '{"key":"ü"}' },
      { name: 'overview', data: '{}' },
    ])
  }
})
