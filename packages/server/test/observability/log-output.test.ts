import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { until } from '../process/support/until.js'
import { send } from '../support/http.js'
import { CLI, temporaryFolder } from '../support/server.js'

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

const HOSTILE = `export default { sources: { hostile: { handle: () => {
  throw Object.assign(new Error('x'), { get stack() { throw new Error('shown to nobody') } })
} }, boom: { handle: () => { setImmediate(() => { throw new Error('boom') }); return new Response() } } } }`

/** A server that logs every delivery, to a pipe that nobody reads before they listen to it. */
async function unread(config?: string, format = 'json') {
  const cwd = temporaryFolder()
  if (config !== undefined) writeFileSync(join(cwd, 'hookonce.config.mjs'), config)
  const env = { PORT: String(await freePort()), HOOKONCE_STORE_URL: 'memory:', LOG_LEVEL: 'debug', LOG_FORMAT: format }
  const child = spawn(process.execPath, [CLI], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  children.push(child)
  const exited = once(child, 'exit')
  const url = `http://127.0.0.1:${env.PORT}`
  await until('it listens', () => send(`${url}/healthz`, { method: 'GET' }).catch(() => false))
  const deliver = (key: string, path = '/webhook') =>
    send(url + path, { headers: { 'x-idempotency-key': key.padEnd(250, 'x') }, body: '{}' })
  return { child, url, deliver, exited }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

test.each<[string, (line: string) => { dropped?: number; isDelivery: boolean }]>([
  ['json', line => ({ dropped: JSON.parse(line).lines, isDelivery: JSON.parse(line).msg === 'delivery' })],
  ['pretty', line => ({ dropped: Number(/lines=(\d+)/.exec(line)?.[1]), isDelivery: / executed +200 /.test(line) })],
])(
  'deliveries go on while stdout is blocked; the dropped lines are reported afterwards: %s',
  async (format, read) => {
    const { child, url, deliver } = await unread(undefined, format)
    for (let i = 0; i < 4_000; i++) expect((await deliver(`k${i}`)).status).toBe(200)
    expect((await send(`${url}/healthz`, { method: 'GET' })).status).toBe(200)
    let text = ''
    child.stdout!.setEncoding('utf8').on('data', chunk => (text += chunk))
    await until('it is told', () => text.includes('were dropped'))
    const lines = text.trim().split('\n')
    const { dropped } = read(lines.find(line => line.includes('were dropped'))!)
    expect(dropped! + lines.filter(line => read(line).isDelivery).length).toBe(4_000)
    await deliver('after')
    await until('the log goes on', () => text.includes('afterxxx'))
  },
  60_000,
)

test('a process with a blocked stdout still ends', async () => {
  const { child, deliver, exited } = await unread()
  for (let i = 0; i < 500; i++) await deliver(`k${i}`)
  child.kill('SIGTERM')
  expect(await exited).toEqual([0, null])
})

test('a crash is logged, after all earlier lines', async () => {
  const { child, deliver, exited } = await unread(HOSTILE)
  let text = ''
  const ended = once(
    child.stdout!.setEncoding('utf8').on('data', chunk => (text += chunk)),
    'end',
  )
  for (let i = 0; i < 200; i++) await deliver(`k${i}`)
  await deliver('k', '/hooks/boom').catch(() => {})
  expect(await exited).toEqual([1, null])
  await ended
  expect(text.match(/"msg":"delivery"/g)!.length).toBeGreaterThanOrEqual(200)
  expect(text).toMatch(/"level":"fatal".*boom/)
})

test('an error that cannot be logged does not fail the delivery', async () => {
  const { child, deliver } = await unread(HOSTILE)
  let text = ''
  child.stdout!.setEncoding('utf8').on('data', chunk => (text += chunk))
  const answer = await deliver('k', '/hooks/hostile')
  expect([answer.status, answer.json.code]).toEqual([500, 'handler_failed'])
  await until('it is told', () => text.includes('"msg":"handler threw"'))
  expect((await deliver('k')).status).toBe(200)
})

test('a server whose log is on a full disk still ends when it is told to', async () => {
  const full = openSync('/dev/full', 'w')
  const env = { PORT: String(await freePort()), HOOKONCE_STORE_URL: 'memory:' }
  const child = spawn(process.execPath, [CLI], { cwd: temporaryFolder(), env, stdio: ['ignore', full, 'ignore'] })
  children.push(child)
  closeSync(full)
  const exited = once(child, 'exit')
  await until('it listens', () => send(`http://127.0.0.1:${env.PORT}/healthz`, { method: 'GET' }).catch(() => false))
  child.kill('SIGTERM')
  expect(await exited).toEqual([0, null])
})
