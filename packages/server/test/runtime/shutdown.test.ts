import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test } from 'vitest'
import { send } from '../support/http.js'
import { type RunningServer, startServer, stopServers, temporaryFolder } from '../support/server.js'
import { startUpstream, type Upstream } from '../support/upstream.js'

let upstream: Upstream
afterEach(() => upstream?.close())
afterAll(stopServers)

const headers = { 'X-Idempotency-Key': 'a' }

/** A server in the middle of an attempt. */
async function busy(env: Record<string, string> = {}) {
  upstream = await startUpstream()
  upstream.shutGate()
  const server = await startServer({
    env: { HOOKONCE_FORWARD_TO: upstream.url, HOOKONCE_STORE_URL: 'memory:', ...env },
  })
  const answer = send(`${server.url}/webhook`, { headers })
  answer.catch(() => {})
  await upstream.called(1)
  return { server, answer }
}

async function drains(server: RunningServer): Promise<void> {
  await expect.poll(server.stdout).toContain('"msg":"shutting down"')
}

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
  '%s: what runs is answered, what comes is sent away, exit 0',
  async signal => {
    const { server, answer } = await busy()
    server.kill(signal)
    await drains(server)
    const late = await send(`${server.url}/webhook`, { headers: { 'X-Idempotency-Key': 'b' } })
    expect([late.status, late.json.code, late.headers.connection]).toEqual([503, 'shutting_down', 'close'])
    expect((await send(`${server.url}/readyz`, { method: 'GET' })).status).toBe(503)
    expect((await send(`${server.url}/health`, { method: 'GET' })).status).toBe(200)
    upstream.openGate()
    const { status, text, headers: given } = await answer
    expect([status, text, given.connection]).toEqual([200, 'done', 'close'])
    expect(await server.exited).toEqual({ code: 0, signal: null })
    expect(server.stdout()).toMatch(/"msg":"shutting down".*"msg":"stopped"/s)
    expect(upstream.calls).toHaveLength(1)
  },
)

test('leases are renewed while it drains', async () => {
  const { server, answer } = await busy({ HOOKONCE_LEASE_SECONDS: '1.5' })
  server.kill()
  await drains(server)
  const leaseOver = Date.now() + 2_000
  await expect.poll(() => Date.now() > leaseOver).toBe(true)
  upstream.openGate()
  expect((await answer).status).toBe(200)
  expect((await server.exited).code).toBe(0)
})

test('several signals at once count as one: it drains', async () => {
  const { server, answer } = await busy()
  server.kill('SIGTERM')
  await drains(server)
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) server.kill(signal)
  upstream.openGate()
  expect((await answer).status).toBe(200)
  expect(await server.exited).toEqual({ code: 0, signal: null })
})

test('a later second signal ends it at once', async () => {
  const { server } = await busy()
  server.kill('SIGTERM')
  await drains(server)
  const drainsSince = performance.now()
  await expect.poll(() => performance.now() - drainsSince, { timeout: 5_000 }).toBeGreaterThan(1_100)
  server.kill('SIGINT')
  expect(await server.exited).toEqual({ code: 130, signal: null })
})

test('after the drain time attempts are aborted and answered; exit 1', async () => {
  const { server, answer } = await busy({ HOOKONCE_DRAIN_SECONDS: '0.2' })
  server.kill()
  expect((await answer).json.code).toBe('shutting_down')
  expect((await server.exited).code).toBe(1)
})

/** A server in the middle of an attempt of what it accepted before, with a second delivery that waits behind it. */
async function working(env: Record<string, string> = {}) {
  upstream = await startUpstream()
  upstream.shutGate()
  const folder = temporaryFolder()
  const shared = { HOOKONCE_STORE_URL: `sqlite:${join(folder, 'hookonce.db')}`, HOOKONCE_MODE: 'inbox' }
  const forwarding = { ...shared, HOOKONCE_FORWARD_TO: upstream.url }
  const server = await startServer({ env: { ...forwarding, HOOKONCE_INBOX_CONCURRENCY: '1', ...env } })
  for (const key of ['a', 'b']) {
    const { status } = await send(`${server.url}/webhook`, { headers: { 'X-Idempotency-Key': key } })
    expect(status).toBe(202)
  }
  await upstream.called(1)
  const records = async () => {
    const after = await startServer({ env: { ...forwarding, HOOKONCE_INBOX_CONCURRENCY: '0' } })
    const recordOf = async (key: string) =>
      (await send(`${after.url}/webhook/idempotency/${key}`, { method: 'GET' })).json
    const [a, b] = [await recordOf('a'), await recordOf('b')]
    return { running: { state: a.state, attempts: a.attempts }, waiting: { state: b.state, attempts: b.attempts } }
  }
  return { server, records }
}

test('running inbox attempts are recorded before it ends; no new one begins', async () => {
  const { server, records } = await working()
  server.kill()
  await drains(server)
  upstream.openGate()
  expect(await server.exited).toEqual({ code: 0, signal: null })
  expect(upstream.calls).toHaveLength(1)
  expect(await records()).toEqual({
    running: { state: 'completed', attempts: 1 },
    waiting: { state: 'pending', attempts: 0 },
  })
})

test('after the drain time inbox attempts are aborted and retried later; exit 1', async () => {
  const { server, records } = await working({ HOOKONCE_DRAIN_SECONDS: '0.2' })
  server.kill()
  const exit = await server.exited
  expect(exit, server.stdout() + server.stderr()).toEqual({ code: 1, signal: null })
  expect(await records()).toEqual({
    running: { state: 'failed', attempts: 1 },
    waiting: { state: 'pending', attempts: 0 },
  })
})

test('idle connections and incomplete requests do not delay it', async () => {
  const server = await startServer({ env: { HOOKONCE_STORE_URL: 'memory:' } })
  const sockets = ['', 'POST /webhook HTTP/1.1\r\nHost'].map(bytes => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    socket.on('error', () => {})
    socket.write(bytes)
    return socket
  })
  await Promise.all(sockets.map(socket => new Promise(resolve => socket.once('connect', resolve))))
  server.kill()
  expect((await server.exited).code).toBe(0)
  for (const socket of sockets) socket.destroy()
})

test('an uncaught error is logged and ends the process', async () => {
  const cwd = temporaryFolder()
  writeFileSync(
    join(cwd, 'hookonce.config.mjs'),
    `export default { storeUrl: 'memory:', sources: { default: { handle: () => { setImmediate(() => { throw new Error('boom') }); return new Response() } } } }`,
  )
  const server = await startServer({ cwd })
  await send(`${server.url}/webhook`).catch(() => {})
  expect((await server.exited).code).toBe(1)
  expect(server.stdout()).toMatch(/"level":"fatal".*boom/)
})
