import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Route } from '../../../src/http/router.js'
import { closeApps, startApp } from '../../support/app.js'
import { type HttpRequest, send } from '../../support/http.js'

const TOKEN = 'a-long-enough-token'

/** What everybody may use. Every other route of the app is for operators, or the first test fails. */
const PUBLIC = [
  'POST /hooks/default',
  'POST /webhook',
  'POST /webhook/no-idempotency',
  'GET /api/session',
  'POST /api/session',
  'DELETE /api/session',
  'GET /dashboard',
  'GET /dashboard/*',
  'GET /health',
  'GET /healthz',
  'GET /readyz',
  'GET /problems/:code',
  'GET /',
]

type App = Awaited<ReturnType<typeof startApp>>

const apps = {} as Record<'token' | 'local' | 'over' | 'open' | 'closed', App>

beforeAll(async () => {
  apps.token = await startApp({ env: { HOOKONCE_ADMIN_TOKEN: TOKEN } })
  apps.local = await startApp()
  apps.over = await startApp()
  await send(`${apps.over.url}/health`, { method: 'GET', headers: { host: 'hooks.example.com' } })
  apps.open = await startApp({ env: { HOST: '0.0.0.0', HOOKONCE_OPERATOR_ACCESS: 'open' } })
  apps.closed = await startApp({ env: { HOST: '0.0.0.0' } })
})
afterAll(closeApps)

const operatorRoutes = (app: App): Route[] => app.routes.filter(({ operators }) => operators)

const named = ({ method, url }: Route) => `${method} ${url}`

/** A request that a route answers, as far as it is let in. */
function ask(app: App, { method, url }: Route, headers: Record<string, string> = {}, from = '127.0.0.1') {
  const path = url.replace(/\*|:\w+/, 'none')
  const changes = !['GET', 'HEAD'].includes(method)
  const request: HttpRequest = {
    method,
    headers: { ...(changes && { 'content-type': 'application/json' }), ...headers },
    ...(method === 'POST' && { body: '{}' }),
    from,
    headOnly: true,
  }
  return send(app.url.replace('0.0.0.0', '127.0.0.1') + path, request)
}

const REFUSED = [401, 403, 429]

/** Asks every operator route; gives those that do not do as they should. */
async function exceptions(app: App, expected: number | 'in', headers: Record<string, string> = {}): Promise<string[]> {
  const found: string[] = []
  for (const [i, route] of operatorRoutes(app).entries()) {
    // Each from an address of its own: wrong tokens are counted.
    const { status } = await ask(app, route, headers, `127.0.1.${i + 1}`)
    const fits = expected === 'in' ? !REFUSED.includes(status) && status < 500 : status === expected
    if (!fits) found.push(`${named(route)}: ${status}`)
  }
  return found
}

async function logIn(app: App): Promise<string> {
  const answer = await send(`${app.url}/api/session`, {
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: TOKEN }),
  })
  return answer.headers['set-cookie']![0]!.split(';')[0]!
}

test('only the routes listed here are public', () => {
  const open = apps.token.routes.filter(({ operators, method }) => !operators && method !== 'HEAD').map(named)
  expect(open.sort()).toEqual([...PUBLIC].sort())
  expect(operatorRoutes(apps.token).length).toBeGreaterThan(15)
})

const PROXIED = { 'x-forwarded-for': '10.0.0.1', 'x-forwarded-proto': 'https', host: 'hooks.example.com' }
const BEARER = { authorization: `Bearer ${TOKEN}` }

describe('every operator route', () => {
  test.each<[keyof typeof apps, string, number | 'in', Record<string, string>]>([
    ['token', 'no token', 401, {}],
    ['token', 'a wrong token', 401, { authorization: 'Bearer wrong' }],
    ['token', 'a token in another form', 401, { authorization: `Basic ${TOKEN}` }],
    ['token', 'a cookie of nobody', 401, { cookie: 'hookonce_session=made-up' }],
    ['token', 'the right token', 'in', BEARER],
    ['token', 'the right token through a proxy', 'in', { ...BEARER, ...PROXIED }],
    ['token', 'no token through a proxy on this machine', 401, PROXIED],
    ['token', 'no token, a loopback Host', 401, { host: 'localhost' }],
    ['local', 'a direct request', 'in', {}],
    ['over', 'a direct request to a trial that is over', 403, {}],
    ['open', 'a direct request', 'in', {}],
    ['open', 'a proxied request', 403, { 'x-forwarded-for': '10.0.0.1' }],
    ['open', 'a foreign Host', 403, { host: 'rebound.example.com' }],
    ['open', 'a foreign Origin', 403, { origin: 'https://evil.example' }],
    ['closed', 'a direct request', 403, {}],
    ['closed', 'any token', 403, BEARER],
  ])('%s, %s: %s', async (mode, _, expected, headers) => {
    expect(await exceptions(apps[mode], expected, headers)).toEqual([])
  })

  test.each<[string, number | 'in', Record<string, string>]>([
    ['alone', 'in', {}],
    ['from a page of this server', 'in', { 'sec-fetch-site': 'same-origin', origin: 'https://hooks.example.com' }],
    ['from a page of another site', 403, { 'sec-fetch-site': 'cross-site' }],
    ['from a page of a sister site', 403, { 'sec-fetch-site': 'same-site' }],
    ['with a foreign Origin', 403, { origin: 'https://evil.example' }],
  ])('a session %s: %s', async (_, expected, headers) => {
    const cookie = await logIn(apps.token)
    expect(await exceptions(apps.token, expected, { cookie, ...headers })).toEqual([])
  })

  test('refuses unknown query parameters and suggests the nearest', async () => {
    for (const { method, url } of operatorRoutes(apps.local)) {
      const path = url.replace(/\*|:\w+/, 'none')
      const headers = { 'x-hookonce-operator': '1' }
      const answer = await send(`${apps.local.url}${path}?sorce=x`, { method, headers })
      expect([url, answer.status]).toEqual([url, 400])
      if (method !== 'HEAD') expect(answer.json.detail).toContain('"sorce" is not a query parameter')
    }
    const { json } = await send(`${apps.local.url}/webhook/events/redrive?sorce=nope`, { method: 'POST' })
    expect(json.detail).toContain('did you mean source?')
  })

  test('with a source parameter refuses an unknown source', async () => {
    const sourced = operatorRoutes(apps.local).filter(
      ({ schema }) => 'source' in ((schema.querystring as { properties: object }).properties ?? {}),
    )
    expect(sourced.length).toBeGreaterThan(8)
    for (const { method, url } of sourced) {
      const path = url.replace(/\*|:\w+/, 'none')
      const headers = { 'x-hookonce-operator': '1' }
      const answer = await send(`${apps.local.url}${path}?source=defualt`, { method, headers })
      expect([url, answer.status]).toEqual([url, 404])
      if (method !== 'HEAD') expect(answer.json.detail).toContain('did you mean default?')
    }
  })

  test('and every other route refuses more than 200 header fields', async () => {
    const fields = Array.from({ length: 199 }, (_, i) => [`x-${i}`, '1']).flat()
    for (const path of ['/api/records', '/metrics', '/health', '/dashboard', '/nowhere', '/api/session']) {
      const { status, json } = await send(apps.token.url + path, { method: 'GET', headers: fields })
      expect([path, status, json.code]).toEqual([path, 431, 'headers_too_large'])
    }
  })

  test('has the security headers, also in a refusal', async () => {
    for (const route of operatorRoutes(apps.token)) {
      for (const headers of [{}, BEARER]) {
        const answer = await ask(apps.token, route, headers)
        expect([named(route), answer.headers]).toEqual([
          named(route),
          expect.objectContaining({
            'cache-control': 'no-store',
            'x-content-type-options': 'nosniff',
            'referrer-policy': 'no-referrer',
            'cross-origin-resource-policy': 'same-origin',
            'content-security-policy': expect.stringMatching(/default-src 'none';.*frame-ancestors 'none'/),
          }),
        ])
      }
    }
  })

  test('for a change under /api refuses requests that a form could send', async () => {
    const changes = operatorRoutes(apps.local).filter(
      ({ method, url }) => url.startsWith('/api/') && !['GET', 'HEAD'].includes(method),
    )
    expect(changes.length).toBeGreaterThan(2)
    for (const route of changes) {
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
        expect([named(route), (await ask(apps.local, route, { 'content-type': type })).status]).toEqual([
          named(route),
          403,
        ])
      }
      const path = route.url.replace(/:\w+/, 'none')
      const custom = await send(apps.local.url + path, {
        method: route.method,
        headers: { 'x-hookonce-operator': '1' },
      })
      expect([named(route), REFUSED.includes(custom.status)]).toEqual([named(route), false])
    }
  })
})
