import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { afterAll, describe, expect, test } from 'vitest'
import { resolveConfig } from '../src/config.js'
import { closeApps, startApp } from './support/app.js'
import { send } from './support/http.js'
import { temporaryFolder } from './support/server.js'

const TOKEN = 'a-long-enough-token'

afterAll(closeApps)

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

  test('it is asked for on loopback too, and other headers do not matter', async () => {
    const { url } = await startApp({ env: { HOOKONCE_ADMIN_TOKEN: TOKEN } })
    const headers = { authorization: `Bearer ${TOKEN}`, host: 'hooks.example.com', 'x-forwarded-for': '10.0.0.1' }
    expect((await ask(url, headers)).status).toBe(IN)
  })
})

describe('local', () => {
  test.each<[number, Record<string, string>]>([
    [IN, {}],
    [IN, { host: 'localhost:8000' }],
    [IN, { host: 'LOCALHOST' }],
    [IN, { host: '127.8.9.1:80' }],
    [IN, { host: '[::1]:8000' }],
    [403, { host: 'hooks.example.com' }],
    [403, { host: 'localhost.example.com' }],
    [403, { host: '127.0.0.1.example.com' }],
    [403, { host: '10.0.0.1' }],
    [403, { forwarded: 'for=10.0.0.1' }],
    [403, { 'x-forwarded-for': '127.0.0.1' }],
    [403, { 'x-forwarded-host': 'localhost' }],
    [403, { 'x-forwarded-proto': 'https' }],
    [403, { 'x-real-ip': '127.0.0.1' }],
    [403, { via: '1.1 proxy' }],
    [403, { 'cf-connecting-ip': '10.0.0.1' }],
    [IN, { host: 'localhost:8000', origin: 'http://localhost:8000' }],
    [403, { host: 'localhost:8000', origin: 'http://localhost:3000' }],
    [403, { host: 'localhost:8000', origin: 'https://evil.example' }],
    [403, { origin: 'null' }],
    [IN, { 'sec-fetch-site': 'same-origin' }],
    [IN, { 'sec-fetch-site': 'none' }],
    [403, { 'sec-fetch-site': 'cross-site' }],
    [403, { 'sec-fetch-site': 'same-site' }],
  ])('%i for %o', async (status, headers) => {
    const { url } = await startApp()
    const answer = await ask(url, headers)
    expect(answer.status).toBe(status)
    if (status === 403)
      expect(answer.json).toMatchObject({
        code: 'operator_access_denied',
        detail: expect.stringContaining('HOOKONCE_ADMIN_TOKEN'),
      })
  })

  test('both loopback addresses are let in', async () => {
    const { urls } = await startApp()
    expect(urls).toHaveLength((await hasIpv6()) ? 2 : 1)
    for (const url of urls) expect((await ask(url)).status).toBe(IN)
  })
})

test('open keeps the Host check and lets proxied requests in', async () => {
  const { url } = await startApp({ env: { HOST: '0.0.0.0', HOOKONCE_OPERATOR_ACCESS: 'open' } })
  const here = url.replace('0.0.0.0', '127.0.0.1')
  expect((await ask(here, { 'x-forwarded-for': '10.0.0.1' })).status).toBe(IN)
  expect((await ask(here, { host: 'rebound.example.com' })).status).toBe(403)
  expect((await ask(here, { origin: 'https://evil.example' })).status).toBe(403)
})

test('nobody gets in from loopback or elsewhere when listening everywhere without a token', async () => {
  const { url } = await startApp({ env: { HOST: '0.0.0.0' } })
  const own = Object.values(networkInterfaces())
    .flat()
    .filter(address => address?.family === 'IPv4')
  for (const address of own) {
    const answer = await ask(url.replace('0.0.0.0', address!.address))
    expect([answer.status, answer.json.detail]).toEqual([403, expect.stringContaining('HOOKONCE_ADMIN_TOKEN')])
  }
})

test.each([
  [{}, 'local'],
  [{ HOST: '127.0.0.1' }, 'local'],
  [{ HOST: '::1' }, 'local'],
  [{ HOST: '0.0.0.0' }, 'closed'],
  [{ HOST: '::' }, 'closed'],
  [{ HOOKONCE_ADMIN_TOKEN: TOKEN }, 'token'],
  [{ HOOKONCE_ADMIN_TOKEN: TOKEN, HOOKONCE_OPERATOR_ACCESS: 'local' }, 'local'],
])('%o means %s', async (env, mode) => {
  expect((await resolveConfig({ env, folder: temporaryFolder() })).operatorAccess.mode).toBe(mode)
})

async function hasIpv6(): Promise<boolean> {
  const server = createServer()
  return new Promise(resolve => {
    server.on('error', () => resolve(false))
    server.listen(0, '::1', () => server.close(() => resolve(true)))
  })
}
