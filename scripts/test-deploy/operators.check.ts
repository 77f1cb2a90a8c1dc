import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { send } from '../../packages/server/test/support/http.js'
import { runCli, startServer, stopServers, temporaryFolder } from '../../packages/server/test/support/server.js'
import { startUpstream, type Upstream } from '../../packages/server/test/support/upstream.js'
import { requireTool, TOOL_TIMEOUT_MS } from '../test-tools/index.js'
import { startCaddy, startHaproxy, startNginx, stopProxies } from './proxy.js'

/** Proxies that say nothing of themselves: some by default, some because somebody took it away. */
const PROXIES: Record<string, { start(receiver: string): Promise<string>; shows: 'always' | 'by the Host' }> = {
  'nginx, to an address': {
    start: to => startNginx(port => `server { listen 127.0.0.1:${port}; location / { proxy_pass http://${to}; } }`),
    shows: 'always',
  },
  'nginx, to a named upstream': {
    start: to =>
      startNginx(
        port =>
          `upstream backend { server ${to}; } server { listen 127.0.0.1:${port}; location / { proxy_pass http://backend; } }`,
      ),
    shows: 'always',
  },
  'nginx, by HTTP/1.1 with the Host that came': {
    start: to =>
      startNginx(
        port =>
          `upstream backend { server ${to}; keepalive 4; } server { listen 127.0.0.1:${port}; location / { proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host; } }`,
      ),
    shows: 'by the Host',
  },
  HAProxy: {
    start: to =>
      startHaproxy(
        port => `defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
listen all
  bind 127.0.0.1:${port}
  server receiver ${to}
`,
      ),
    shows: 'by the Host',
  },
  'Caddy without its headers': {
    start: to =>
      startCaddy(
        port => `http://:${port} {
	reverse_proxy ${to} {
		header_up -X-Forwarded-For
		header_up -X-Forwarded-Proto
		header_up -X-Forwarded-Host
		header_up -Via
	}
}
`,
      ),
    shows: 'by the Host',
  },
}

const OPERATOR_ROUTES: [method: string, path: string][] = [
  ['GET', '/api/records'],
  ['GET', '/api/record?key=kept'],
  ['DELETE', '/api/record?key=kept&force=true'],
  ['GET', '/webhook/idempotency/kept'],
  ['DELETE', '/webhook/idempotency/kept?force=true'],
  ['GET', '/webhook/events?bodies=true'],
  ['POST', '/webhook/events/redrive?confirm=all'],
  ['POST', '/api/test'],
  ['GET', '/api/overview'],
  ['GET', '/api/sources'],
  ['GET', '/metrics'],
  ['GET', '/openapi.json'],
  ['GET', '/docs'],
]

const WORLD = 'hooks.example.com'

let application: Upstream

beforeAll(async () => {
  for (const tool of ['nginx', 'haproxy', 'caddy'] as const) await requireTool(tool)
  application = await startUpstream()
}, TOOL_TIMEOUT_MS)
afterAll(async () => {
  await stopProxies()
  stopServers()
  application.close()
})

/** What is answered to all that an operator may ask, asked by somebody with this Host. */
async function statuses(url: string, host: string, token?: string): Promise<number[]> {
  const found = new Set<number>()
  for (const [method, path] of OPERATOR_ROUTES) {
    const headers = {
      host,
      'x-hookonce-operator': '1',
      'content-type': 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    }
    found.add((await send(url + path, { method, headers, ...(method === 'POST' && { body: '{}' }) })).status)
  }
  return [...found].sort()
}

const deliver = (url: string, host: string) =>
  send(`${url}/webhook`, { headers: { host, 'x-idempotency-key': 'kept' }, body: '{"event":"e"}' })

describe.each(Object.entries(PROXIES))('behind %s', (_, { start, shows }) => {
  const loopbacks = (receiver: string) => ['localhost', '127.0.0.1', '[::1]', receiver]

  test('a trial is closed to the world, and after its first delivery to everybody', async () => {
    const cwd = temporaryFolder()
    const server = await startServer({ cwd })
    const receiver = new URL(server.url).host
    const url = await start(receiver)
    if (shows === 'always') {
      for (const host of loopbacks(receiver)) expect(await statuses(url, host)).toEqual([403])
    }
    expect((await deliver(url, WORLD)).status).toBe(200)
    for (const host of [WORLD, ...loopbacks(receiver)]) {
      expect([host, await statuses(url, host)]).toEqual([host, [403]])
      expect([host, await statuses(server.url, host)]).toEqual([host, [403]])
    }
    expect((await deliver(url, WORLD)).headers['x-cached']).toBe('true')
    expect(server.stdout().match(/operator routes are closed/g)).toHaveLength(1)
    expect((await runCli({ cwd, args: ['records', 'show', 'kept'] })).code).toBe(0)
  })

  test.each<[what: string, env: () => Record<string, string>, answered: number]>([
    ['a forward', () => ({ HOOKONCE_FORWARD_TO: application.url }), 200],
    ['a sender', () => ({ HOOKONCE_SENDER: 'github', HOOKONCE_SECRET: 'a-secret-of-github' }), 401],
  ])('a server with %s is closed to whoever has no token, and open to who has it', async (_, env, answered) => {
    const cwd = temporaryFolder()
    // Said, so that the tests' own token is not set: it is the default.
    const server = await startServer({ cwd, env: { ...env(), HOOKONCE_OPERATOR_ACCESS: '' } })
    const receiver = new URL(server.url).host
    const url = await start(receiver)
    application.calls.length = 0
    const first = await deliver(url, WORLD)
    expect(first.status).toBe(answered)
    const called = application.calls.length
    for (const host of [WORLD, ...loopbacks(receiver)]) {
      expect([host, await statuses(url, host)]).toEqual([host, [401]])
      expect([host, await statuses(url, host, 'a-guess')]).toEqual([host, expect.not.arrayContaining([200])])
    }
    expect(application.calls.length).toBe(called)
    if (answered === 200) expect((await runCli({ cwd, args: ['records', 'show', 'kept'] })).code).toBe(0)

    const token = readFileSync(join(cwd, 'data/operator-token'), 'utf8').trim()
    expect(await statuses(url, WORLD, token)).not.toEqual(expect.arrayContaining([401]))
    expect(await statuses(url, WORLD, token)).toEqual(expect.arrayContaining([200]))
  })
})

test('behind a proxy that shows nothing at all a trial cannot tell, which is why it has nothing to protect', async () => {
  const server = await startServer()
  const url = await PROXIES.HAProxy!.start(new URL(server.url).host)
  expect((await send(`${url}/api/records`, { method: 'GET', headers: { host: 'localhost:8000' } })).status).toBe(200)
})

test('nginx may serve all of it below a path that it removes, and keeps nothing of the stream back', async () => {
  const token = 'a-long-enough-token'
  const server = await startServer({ env: { HOOKONCE_ADMIN_TOKEN: token } })
  const to = new URL(server.url).host
  const site = `location /ops/hooks/ { proxy_pass http://${to}/; }`
  const url = await startNginx(port => `server { listen 127.0.0.1:${port}; ${site} }`)
  const page = await fetch(`${url}/ops/hooks/dashboard`)
  const [, script = ''] = /src="([^"]+)"/.exec(await page.text()) ?? []
  expect((await fetch(new URL(script, page.url))).status).toBe(200)
  const login = await fetch(`${url}/ops/hooks/api/session?path=/ops/hooks/`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  })
  const [cookie = '', , path] = login.headers.get('set-cookie')!.split('; ')
  expect(path).toBe('Path=/ops/hooks/')
  const stream = (await fetch(`${url}/ops/hooks/api/stream`, { headers: { cookie } })).body!.getReader()
  const first = await stream.read()
  // One a second: kept back, some ten would arrive at once.
  expect(new TextDecoder().decode(first.value).match(/^event: overview$/gm)!.length).toBeLessThan(5)
  await stream.cancel()
})
