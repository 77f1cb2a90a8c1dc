import { afterEach, expect, test } from 'vitest'
import { closeApps, startApp } from '../support/app.js'
import { send } from '../support/http.js'

afterEach(closeApps)

test('every answer has the id of its request', async () => {
  const { url } = await startApp({ sources: { later: { mode: 'inbox', handle: () => new Response() } } })
  const key = { 'x-idempotency-key': 'a' }
  const requests: [status: number, method: string, path: string, headers?: Record<string, string>, body?: string][] = [
    [200, 'POST', '/webhook', key, '{}'],
    [200, 'POST', '/webhook', key, '{}'],
    [422, 'POST', '/webhook', key, '{"other":true}'],
    [200, 'POST', '/webhook?with=query', {}, '{}'],
    [200, 'POST', '/webhook/no-idempotency', {}, '{}'],
    [202, 'POST', '/hooks/later', key],
    [202, 'POST', '/hooks/later', key],
    [400, 'POST', '/webhook', { 'x-idempotency-key': 'two words' }],
    [404, 'POST', '/hooks/none'],
    [405, 'GET', '/webhook'],
    [204, 'OPTIONS', '/webhook'],
    [400, 'GET', '/webhook/%'],
    [200, 'GET', '/health'],
    [200, 'GET', '/readyz'],
    [200, 'GET', '/problems/key_invalid'],
    [404, 'GET', '/problems/none'],
    [200, 'GET', '/dashboard'],
    [200, 'GET', '/webhook/idempotency/a'],
    [200, 'GET', '/api/records'],
    [401, 'GET', '/api/records', { authorization: 'Bearer wrong' }],
    [400, 'GET', '/api/records?unknown=1'],
    [200, 'GET', '/metrics'],
    [200, 'GET', '/openapi.json'],
    [200, 'DELETE', '/webhook/idempotency/a', { 'x-hookonce-operator': '1' }],
  ]
  for (const [index, [status, method, path, headers = {}, body]] of requests.entries()) {
    const id = `request-${index}`
    const about = { method, headers: { ...headers, 'x-request-id': id }, ...(body !== undefined && { body }) }
    const answer = await send(url + path, about)
    expect([method, path, answer.status, answer.headers['x-request-id']]).toEqual([method, path, status, id])
    const unnamed = (await send(url + path, { ...about, headers })).headers['x-request-id']
    expect([method, path, unnamed]).toEqual([method, path, expect.stringMatching(/^[0-9a-f]{10}-[0-9a-z]+$/)])
  }
})

test("the line of an operator's change names its request", async () => {
  const app = await startApp()
  await send(`${app.url}/webhook`, { headers: { 'x-idempotency-key': 'a' }, body: '{}' })
  const headers = { 'x-hookonce-operator': '1' }
  const answer = await send(`${app.url}/webhook/idempotency/a`, { method: 'DELETE', headers })
  const requestId = answer.headers['x-request-id']
  expect(requestId).toEqual(expect.any(String))
  expect(app.lines()).toContainEqual(expect.objectContaining({ audit: true, action: 'delete', requestId }))
})
