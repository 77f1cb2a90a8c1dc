import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { github } from 'hookonce/senders'
import { afterAll, describe, expect, test } from 'vitest'
import type { Config } from '../../../src/config/file.js'
import { resolveConfig } from '../../../src/config/resolve.js'
import { closeApps, startApp } from '../../support/app.js'
import { configFile } from '../../support/config-file.js'
import { send, sendRaw } from '../../support/http.js'
import { runCli, startServer, stopServers, temporaryFolder } from '../../support/server.js'

const TOKEN = 'a-long-enough-token'

afterAll(async () => {
  stopServers()
  await closeApps()
})

async function ask(url: string, headers: Record<string, string> = {}, method = 'GET') {
  return send(`${url}/webhook/idempotency/none`, { method, headers })
}

/** Let in: there is no such record. */
const IN = 404

describe('with a token', () => {
  test.each([
    [401, undefined],
    [401, 'Bearer wrong'],
    [401, `Basic ${TOKEN}`],
    [401, `Bearer ${TOKEN}x`],
    [401, TOKEN],
    [IN, `Bearer ${TOKEN}`],
    [IN, `bearer ${TOKEN}`],
  ])('%i for Authorization: %s', async (status, authorization) => {
    const { url } = await startApp({ env: { HOOKONCE_ADMIN_TOKEN: TOKEN } })
    for (const method of ['GET', 'DELETE']) {
      const answer = await ask(url, authorization === undefined ? {} : { authorization }, method)
      expect(answer.status).toBe(status)
      if (status === 401) {
        expect(answer.headers['www-authenticate']).toBe('Bearer realm="hookonce"')
        expect(answer.json.detail).toMatch(/HOOKONCE_ADMIN_TOKEN/)
        expect(answer.text).not.toContain(TOKEN)
      }
    }
  })

  test('it is required on loopback too, whatever the other headers', async () => {
    const { url } = await startApp({ env: { HOOKONCE_ADMIN_TOKEN: TOKEN } })
    const headers = { authorization: `Bearer ${TOKEN}`, host: 'hooks.example.com', 'x-forwarded-for': '10.0.0.1' }
    expect((await ask(url, headers)).status).toBe(IN)
  })
})

/** What shows that a request is not of this machine's user. */
const SIGNS: Record<string, string>[] = [
  { host: 'hooks.example.com' },
  { host: 'localhost.example.com' },
  { host: '127.0.0.1.example.com' },
  { host: '10.0.0.1' },
  { forwarded: 'for=10.0.0.1' },
  { 'x-forwarded-for': '127.0.0.1' },
  { 'x-forwarded-host': 'localhost' },
  { 'x-forwarded-proto': 'https' },
  { 'x-real-ip': '127.0.0.1' },
  { via: '1.1 proxy' },
  { 'cf-connecting-ip': '10.0.0.1' },
  { 'cdn-loop': 'cdn' },
  { 'x-amzn-trace-id': 'Root=1' },
  { host: 'localhost:8000', origin: 'http://localhost:3000' },
  { host: 'localhost:8000', origin: 'https://evil.example' },
  { origin: 'null' },
  { 'sec-fetch-site': 'cross-site' },
  { 'sec-fetch-site': 'same-site' },
]

const OWN: Record<string, string>[] = [
  {},
  { host: 'localhost:8000' },
  { host: 'LOCALHOST' },
  { host: '127.8.9.1:80' },
  { host: '[::1]:8000' },
  { host: 'localhost:8000', origin: 'http://localhost:8000' },
  { 'sec-fetch-site': 'same-origin' },
  { 'sec-fetch-site': 'none' },
]

describe('a trial', () => {
  test.each(OWN)('lets in a request with %o', async headers => {
    const { url } = await startApp()
    expect((await ask(url, headers)).status).toBe(IN)
    expect((await ask(url)).status).toBe(IN)
  })

  test.each(SIGNS)('ends with the first request with %o, and logs it once', async headers => {
    const { url, logged } = await startApp()
    for (const asked of [headers, {}]) {
      const answer = await ask(url, asked)
      expect([answer.status, answer.json]).toMatchObject([
        403,
        { code: 'operator_access_denied', detail: expect.stringContaining('HOOKONCE_ADMIN_TOKEN') },
      ])
    }
    await ask(url, headers)
    expect(logged().match(/operator routes are closed/g)).toHaveLength(1)
    expect((await send(`${url}/api/session`, { method: 'GET' })).json).toEqual({ access: 'closed', logged_in: false })
  })

  test.each<[method: string, path: string]>([
    ['POST', '/webhook'],
    ['POST', '/hooks/default'],
    ['POST', '/webhook?a=1'],
    ['GET', '/webhook'],
    ['GET', '/health'],
    ['GET', '/nowhere'],
    ['GET', '/dashboard'],
    ['GET', '/api/session'],
  ])('is over whatever route shows it: %s %s', async (method, path) => {
    const { url } = await startApp()
    const headers = { host: 'hooks.example.com', 'content-type': 'application/json' }
    const answer = await send(url + path, { method, headers, ...(method === 'POST' && { body: '{}' }) })
    expect(answer.status).not.toBe(403)
    expect((await ask(url)).status).toBe(403)
  })

  test('ends with a request by HTTP/1.0, with a loopback Host or without one', async () => {
    for (const host of ['Host: 127.0.0.1\r\n', '']) {
      const { url } = await startApp()
      expect(await sendRaw(url, `GET /health HTTP/1.0\r\n${host}\r\n`)).toMatch(/^HTTP\/1\.1 200 /)
      expect((await ask(url)).status).toBe(403)
    }
  })

  test('still accepts deliveries after its end', async () => {
    const { url } = await startApp()
    const deliver = () => send(`${url}/webhook`, { headers: { host: 'hooks.example.com' }, body: '{}' })
    expect([(await deliver()).status, (await deliver()).status]).toEqual([200, 200])
  })

  test('sends unsigned test deliveries', async () => {
    const { url } = await startApp()
    const headers = { 'content-type': 'application/json' }
    expect((await send(`${url}/api/test`, { headers })).json.first.status).toBe(200)
  })

  test('both loopback addresses are let in', async () => {
    const { urls } = await startApp()
    expect(urls).toHaveLength((await hasIpv6()) ? 2 : 1)
    for (const url of urls) expect((await ask(url)).status).toBe(IN)
  })
})

test.each(SIGNS)('open refuses a request with %o, and stays open', async headers => {
  const { url } = await startApp({ env: { HOST: '0.0.0.0', HOOKONCE_OPERATOR_ACCESS: 'open' } })
  const here = url.replace('0.0.0.0', '127.0.0.1')
  expect((await ask(here, headers)).status).toBe(403)
  expect((await ask(here)).status).toBe(IN)
})

test('without a token a server that listens everywhere is closed to every address', async () => {
  const { url } = await startApp({ env: { HOST: '0.0.0.0' } })
  const own = Object.values(networkInterfaces())
    .flat()
    .filter(address => address?.family === 'IPv4')
  for (const address of own) {
    const answer = await ask(url.replace('0.0.0.0', address!.address))
    expect([answer.status, answer.json.detail]).toEqual([403, expect.stringContaining('HOOKONCE_ADMIN_TOKEN')])
  }
})

const MEMORY = { HOOKONCE_STORE_URL: 'memory:' }
const FORWARD = { HOOKONCE_FORWARD_TO: 'http://127.0.0.1:1' }
const SENDER = { HOOKONCE_SENDER: 'github', HOOKONCE_SECRET: 'a-secret-of-github' }
const REDIS = { HOOKONCE_STORE_URL: 'redis://127.0.0.1:1' }

test.each<[Record<string, string>, string]>([
  [{}, 'local'],
  [MEMORY, 'local'],
  [REDIS, 'local'],
  [{ HOST: '127.0.0.1' }, 'local'],
  [{ HOST: '::1' }, 'local'],
  [{ HOOKONCE_OPERATOR_ACCESS: 'local' }, 'local'],
  [{ HOOKONCE_MODE: 'inbox' }, 'local'],
  [{ HOST: '0.0.0.0' }, 'token-file'],
  [{ HOST: '::' }, 'token-file'],
  [{ HOOKONCE_OPERATOR_ACCESS: 'token' }, 'token-file'],
  [FORWARD, 'token-file'],
  [SENDER, 'token-file'],
  [{ HOST: '0.0.0.0', ...MEMORY }, 'closed'],
  [{ ...FORWARD, ...MEMORY }, 'closed'],
  [{ ...SENDER, ...REDIS }, 'closed'],
  [{ HOOKONCE_ADMIN_TOKEN: TOKEN }, 'token'],
  [{ HOOKONCE_ADMIN_TOKEN: TOKEN, HOOKONCE_OPERATOR_ACCESS: 'local' }, 'token'],
  [{ HOOKONCE_ADMIN_TOKEN: TOKEN, HOOKONCE_OPERATOR_ACCESS: 'open', ...FORWARD }, 'token'],
])('%o means %s', async (env, mode) => {
  expect((await resolveConfig({ env, folder: temporaryFolder() })).operatorAccess.mode).toBe(mode)
})

describe('refused settings', () => {
  const A_TOKEN = 'HOOKONCE_ADMIN_TOKEN (openssl rand -hex 32)'
  const OPEN = { HOOKONCE_OPERATOR_ACCESS: 'open' }
  const LOCAL = { HOOKONCE_OPERATOR_ACCESS: 'local' }
  const [is, trial] = ['HOOKONCE_OPERATOR_ACCESS is open', 'HOOKONCE_OPERATOR_ACCESS: local is for a trial']

  test.each<[env: Record<string, string>, sources: object | undefined, reason: string]>([
    [{ ...OPEN, ...FORWARD }, undefined, `${is}, and the source default forwards; set ${A_TOKEN}`],
    [{ ...OPEN, ...SENDER }, undefined, `${is}, and the source default has a sender; set ${A_TOKEN}`],
    [OPEN, { a: {} }, `${is}, and the config file has the source a; set ${A_TOKEN}`],
    [{ ...LOCAL, ...FORWARD }, undefined, `${trial}, and the source default forwards; set ${A_TOKEN}`],
    [{ ...LOCAL, ...SENDER }, undefined, `${trial}, and the source default has a sender; set ${A_TOKEN}`],
    [LOCAL, {}, `${trial}, and there is a config file; set ${A_TOKEN}`],
    [
      { ...LOCAL, HOST: '0.0.0.0' },
      undefined,
      `HOOKONCE_OPERATOR_ACCESS: local needs a loopback --host, and 0.0.0.0 is not one; set ${A_TOKEN}`,
    ],
    [
      { ...MEMORY, HOOKONCE_OPERATOR_ACCESS: 'token' },
      undefined,
      `HOOKONCE_OPERATOR_ACCESS: token needs ${A_TOKEN}: a store that is no file keeps none`,
    ],
  ])('%o, sources %o', async (env, sources, reason) => {
    const folder = sources === undefined ? temporaryFolder() : configFile({ sources } as Config)
    expect((await resolveConfig({ env, folder })).operatorAccess).toEqual({ mode: 'refused', reason })
    expect((await resolveConfig({ env: { ...env, HOOKONCE_ADMIN_TOKEN: TOKEN }, folder })).operatorAccess.mode).toBe(
      'token',
    )
  })

  test('stop a server and a worker with a port with one line; store commands and other workers run', async () => {
    const env = { ...OPEN, ...FORWARD, HOOKONCE_MODE: 'inbox', PORT: '0' }
    const line = `hookonce: ${is}, and the source default forwards; set ${A_TOKEN}\n`
    const cwd = temporaryFolder()
    for (const [args, more] of [[[], {}] as const, [['work'], { HOOKONCE_WORK_PORT: '0' }] as const]) {
      const { code, stderr } = await runCli({ cwd, args: [...args], env: { ...env, ...more } })
      expect([code, stderr]).toEqual([2, line])
    }
    expect(existsSync(join(cwd, 'data'))).toBe(false)
    const server = await startServer({ cwd })
    server.kill()
    await server.exited
    expect((await runCli({ cwd, args: ['records', 'list'], env })).code).toBe(0)
    const { code, stdout } = await runCli({ cwd, args: ['doctor'], env })
    expect([code, stdout]).toEqual([
      1,
      expect.stringContaining('fail  operators: no server starts with these settings'),
    ])
  })
})

test.each([{}, { sources: {} }, { port: 8000 }])('a config file is something to protect: %o', async content => {
  const folder = configFile(content)
  expect((await resolveConfig({ env: {}, folder })).operatorAccess.mode).toBe('token-file')
  expect((await resolveConfig({ env: MEMORY, folder })).operatorAccess.mode).toBe('closed')
})

test('test deliveries are not signed for a caller without a token', async () => {
  const sender = github({ secrets: ['a-secret-of-github'] })
  const { url } = await startApp({ sources: { hub: { sender } }, access: { mode: 'open', reason: 'a test' } })
  const headers = { 'content-type': 'application/json' }
  const answer = await send(`${url}/api/test?source=hub`, { headers })
  expect([answer.status, answer.json]).toMatchObject([403, { detail: expect.stringContaining('HOOKONCE_ADMIN_TOKEN') }])
  expect((await send(`${url}/api/test`, { headers })).status).toBe(200)
})

async function hasIpv6(): Promise<boolean> {
  const server = createServer()
  return new Promise(resolve => {
    server.on('error', () => resolve(false))
    server.listen(0, '::1', () => server.close(() => resolve(true)))
  })
}
