import { afterAll, describe, expect, test } from 'vitest'
import { createOperators } from '../../../src/operator/auth/access.js'
import { closeApps, startApp } from '../../support/app.js'
import { send, sendRaw } from '../../support/http.js'

const TOKEN = 'a-long-enough-token'

afterAll(closeApps)

const withToken = () => startApp({ env: { HOOKONCE_ADMIN_TOKEN: TOKEN } })

const logIn = (url: string, token: string, headers: Record<string, string> = {}, from = '127.0.0.1') =>
  send(`${url}/api/session`, {
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ token }),
    from,
  })

const records = (url: string, headers: Record<string, string>, from = '127.0.0.1') =>
  send(`${url}/api/records`, { method: 'GET', headers, from })

test('a login sets a cookie: HttpOnly, SameSite=Strict, and not the token', async () => {
  const { url, logged } = await withToken()
  const session = (cookie?: string) =>
    send(`${url}/api/session`, { method: 'GET', headers: cookie === undefined ? {} : { cookie } })
  expect((await session()).json).toEqual({ access: 'token', logged_in: false })

  const login = await logIn(url, TOKEN)
  expect([login.status, login.json]).toEqual([200, { access: 'token', logged_in: true }])
  const [set] = login.headers['set-cookie']!
  expect(set).toMatch(/^hookonce_session=[\w.-]{75}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/)
  expect(set).not.toContain(TOKEN)
  const cookie = set!.split(';')[0]!
  expect((await session(cookie)).json.logged_in).toBe(true)
  expect((await records(url, { cookie: `other=1; ${cookie}` })).status).toBe(200)

  const headers = { cookie, 'x-hookonce-operator': '1' }
  const logout = await send(`${url}/api/session`, { method: 'DELETE', headers })
  expect(logout.headers['set-cookie']![0]).toMatch(/^hookonce_session=; Max-Age=0; /)
  expect((await records(url, { cookie })).status).toBe(401)
  expect(logged()).not.toContain(TOKEN)
  expect(logged()).not.toContain(cookie.split('=')[1])
})

test('the cookie is sent below the path where the browser sees the server only', async () => {
  const { url } = await withToken()
  const ask = (method: string, path: string) =>
    send(`${url}/api/session?path=${encodeURIComponent(path)}`, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(method === 'POST' && { body: JSON.stringify({ token: TOKEN }) }),
    })
  for (const method of ['POST', 'DELETE']) {
    expect((await ask(method, '/ops/hooks-admin/')).headers['set-cookie']![0]).toContain('; Path=/ops/hooks-admin/; ')
    for (const wrong of ['ops', '/ops', '/; Domain=example.com/', '/\r\nx: y/', '//', '']) {
      expect([wrong, (await ask(method, wrong)).status]).toEqual([wrong, 400])
    }
  }
})

describe('a session', () => {
  const cookieOf = async (url: string) => (await logIn(url, TOKEN)).headers['set-cookie']![0]!.split(';')[0]!
  const status = async (url: string, cookie: string) => (await records(url, { cookie })).status

  test('is one in each process with the same token, and in none with another', async () => {
    const [first, second] = [await withToken(), await withToken()]
    const other = await startApp({ env: { HOOKONCE_ADMIN_TOKEN: `${TOKEN}-2` } })
    const cookie = await cookieOf(first.url)
    expect(await status(first.url, cookie)).toBe(200)
    expect(await status(second.url, cookie)).toBe(200)
    expect(await status(other.url, cookie)).toBe(401)
  })

  test('that was logged out is over in that process, while others know a copy of it', async () => {
    const [first, second] = [await withToken(), await withToken()]
    const [cookie, another] = [await cookieOf(first.url), await cookieOf(first.url)]
    await send(`${first.url}/api/session`, { method: 'DELETE', headers: { cookie, 'x-hookonce-operator': '1' } })
    expect(await status(first.url, cookie)).toBe(401)
    expect(await status(first.url, another)).toBe(200)
    expect(await status(second.url, cookie)).toBe(200)
  })

  test('that was altered in any part is none', async () => {
    const { url } = await withToken()
    const cookie = await cookieOf(url)
    const [end, id, signature] = cookie.split('=')[1]!.split('.')
    const later = (Number.parseInt(end!, 36) + 1).toString(36)
    const altered = `${id!.startsWith('A') ? 'B' : 'A'}${id!.slice(1)}`
    const short = signature!.slice(0, 20)
    for (const forged of [
      `${later}.${id}.${signature}`,
      `${end}.${altered}.${signature}`,
      `${end}.${id}.${short}`,
      `${end}.${id}.`,
      `${end}.${id}`,
      `.${end}.${id}.${signature}`,
      '...',
      '',
    ]) {
      expect([forged, await status(url, `hookonce_session=${forged}`)]).toEqual([forged, 401])
    }
    expect(await status(url, cookie)).toBe(200)
  })
})

test('the cookie is Secure where the browser uses https', async () => {
  const { url } = await withToken()
  for (const headers of [
    { 'x-forwarded-proto': 'https' },
    { origin: 'https://hooks.example.com', 'sec-fetch-site': 'same-origin' },
  ]) {
    expect((await logIn(url, TOKEN, headers as Record<string, string>)).headers['set-cookie']![0]).toMatch(/; Secure$/)
  }
})

test('a page of another site cannot log in, and a form cannot', async () => {
  const { url } = await withToken()
  expect((await logIn(url, TOKEN, { origin: 'https://evil.example' })).status).toBe(403)
  expect((await logIn(url, TOKEN, { 'sec-fetch-site': 'cross-site' })).status).toBe(403)
  expect((await logIn(url, TOKEN, { 'content-type': 'text/plain' })).status).toBe(415)
})

test('without a configured token a login is a 400', async () => {
  const { url } = await startApp()
  expect((await send(`${url}/api/session`, { method: 'GET' })).json).toEqual({ access: 'local', logged_in: true })
  expect((await logIn(url, TOKEN)).json.code).toBe('bad_request')
})

describe('after ten wrong tokens in a minute', () => {
  test('the next wrong one of that address is answered 429; the right token, other addresses and sessions are not affected', async () => {
    const { url, logged } = await withToken()
    const cookie = (await logIn(url, TOKEN)).headers['set-cookie']![0]!.split(';')[0]!
    for (let i = 0; i < 5; i++) {
      expect((await records(url, { authorization: `Bearer wrong${i}` })).status).toBe(401)
      expect((await logIn(url, `wrong${i}`)).status).toBe(401)
    }
    const bearer = await records(url, { authorization: 'Bearer wrong' })
    expect([bearer.status, bearer.json.code]).toEqual([429, 'operator_token_guessed'])
    expect(Number(bearer.headers['retry-after'])).toBeGreaterThan(0)
    expect((await logIn(url, 'wrong')).status).toBe(429)
    expect((await records(url, { authorization: `Bearer ${TOKEN}` })).status).toBe(200)
    expect((await logIn(url, TOKEN)).status).toBe(200)
    expect((await records(url, { authorization: 'Bearer wrong' }, '127.0.0.2')).status).toBe(401)
    expect((await records(url, { cookie })).status).toBe(200)
    expect((await records(url, {})).status).toBe(401)
    const lines = logged()
      .split('\n')
      .filter(line => line.includes('wrong operator token'))
    expect(lines.length).toBe(11)
  })

  test('and 401 again after the minute; an IPv6 /64 counts as one address', () => {
    let now = 0
    const operators = createOperators({ mode: 'token', token: TOKEN, reason: '' }, { now: () => now })
    const status = (token: string, remoteAddress: string) => {
      const request = { headers: { authorization: `Bearer ${token}` }, socket: { remoteAddress } }
      return operators.refusal(request as never)?.status
    }
    for (let i = 0; i < 10; i++) expect(status('wrong', `2001:db8:1::${i}`)).toBe(401)
    expect(status('wrong', '2001:db8:1:0:1::5')).toBe(429)
    expect(status(TOKEN, '2001:db8:1:0:1::5')).toBeUndefined()
    expect(status('wrong', '2001:db8:2::1')).toBe(401)
    now = 59_999
    expect(status('wrong', '2001:db8:1::1')).toBe(429)
    now = 60_000
    expect(status('wrong', '2001:db8:1::1')).toBe(401)
  })
})

test('a login body of more than 4 KiB is not read', async () => {
  const { url } = await withToken()
  const answer = await logIn(url, 'x'.repeat(4_097))
  expect([answer.status, answer.json.code]).toEqual([413, 'body_too_large'])
  const unsent = await sendRaw(
    url,
    'POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n',
  )
  expect(unsent).toMatch(/^HTTP\/1\.1 413 /)
})

test('the body of a refused request is not read', async () => {
  const { url } = await withToken()
  for (const path of ['/api/test', '/api/record/redrive?key=k']) {
    const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`
    expect(await sendRaw(url, `${head}Content-Length: 1000000\r\n\r\n`)).toMatch(/^HTTP\/1\.1 401 /)
  }
})

test('a stream ends with its session', async () => {
  const { url } = await withToken()
  const cookie = (await logIn(url, TOKEN)).headers['set-cookie']![0]!.split(';')[0]!
  const stream = (await fetch(`${url}/api/stream`, { headers: { cookie } })).body!.getReader()
  expect((await stream.read()).done).toBe(false)
  await send(`${url}/api/session`, { method: 'DELETE', headers: { cookie, 'x-hookonce-operator': '1' } })
  for (let read = await stream.read(); !read.done; ) read = await stream.read()
})

test('a session ends after twelve hours', () => {
  let now = Date.parse('2030-01-31T12:00:00Z')
  const operators = createOperators({ mode: 'token', token: TOKEN, reason: '' }, { date: () => now })
  const request = { headers: {}, socket: { remoteAddress: '127.0.0.1' } } as never
  const login = operators.login(request, '/', TOKEN)
  const cookie = 'cookie' in login ? login.cookie.split(';')[0] : ''
  const asked = { headers: { cookie }, socket: { remoteAddress: '127.0.0.1' } } as never
  now += 12 * 3_600_000 - 1
  expect(operators.refusal(asked)).toBeUndefined()
  now += 1
  expect(operators.refusal(asked)?.status).toBe(401)
})

test('an operator page without a login is the login form, with one script', async () => {
  const { url } = await withToken()
  const page = await send(`${url}/docs`, { method: 'GET' })
  expect([page.status, page.headers['content-type']]).toEqual([401, 'text/html; charset=utf-8'])
  expect(page.text).toContain('<input name="token" type="password"')
  expect(page.text).toContain('operator-token')
  expect(page.headers['content-security-policy']).toMatch(
    /^default-src 'none'; style-src 'sha256-\S+'; script-src 'sha256-\S+'; connect-src 'self'; /,
  )
  const cookie = (await logIn(url, TOKEN)).headers['set-cookie']![0]!.split(';')[0]!
  expect((await send(`${url}/docs`, { method: 'GET', headers: { cookie } })).status).toBe(200)
})
