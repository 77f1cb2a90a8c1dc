import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { curl } from '../../src/http/openapi/page.js'
import { PROBLEM_HELP } from '../../src/http/problem-help.js'
import { SERVER_PROBLEMS } from '../../src/http/problems.js'
import { closeApps, startApp } from '../support/app.js'
import { send } from '../support/http.js'
import { OPERATOR_TOKEN } from '../support/operator.js'

afterAll(closeApps)

let app: Awaited<ReturnType<typeof startApp>>
// biome-ignore lint/suspicious/noExplicitAny: an OpenAPI document
let document: any

beforeAll(async () => {
  app = await startApp({ sources: { later: { mode: 'inbox' }, own: { handle: () => new Response() } } })
  document = (await send(`${app.url}/openapi.json`, { method: 'GET' })).json
})

// biome-ignore lint/suspicious/noExplicitAny: operations of an OpenAPI document
const operations = (): { path: string; method: string; operation: any }[] =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods as object).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  )

test('the document has exactly the routes of the app', () => {
  const routes = app.routes
    .filter(({ method }) => method !== 'HEAD')
    .map(({ method, url }) => `${method} ${url.replace(/:(\w+)/g, '{$1}').replace('*', '{key}')}`)
  expect(document.openapi).toBe('3.1.0')
  expect(
    operations()
      .map(({ path, method }) => `${method} ${path}`)
      .sort(),
  ).toEqual(routes.sort())
})

test('each has a summary, a tag and its answers', () => {
  const closed = new Set(app.routes.filter(({ operators }) => operators).map(({ url }) => url.replace(/[:*].*/, '')))
  for (const { path, operation } of operations()) {
    expect([path, operation.summary, operation.tags]).toEqual([path, expect.any(String), [expect.any(String)]])
    expect([path, operation.security !== undefined]).toEqual([path, closed.has(path.replace(/\{.*/, ''))])
    const answers = Object.keys(operation.responses)
    expect([path, answers.some(status => status.startsWith('2'))]).toEqual([path, true])
    if (operation.security) expect(answers).toEqual(expect.arrayContaining(['401', '403', '429', '503']))
  }
})

test('each answer has the id of its request', () => {
  expect(document.components.headers.RequestId.schema).toMatchObject({ type: 'string' })
  for (const { operation } of operations()) {
    for (const { headers } of Object.values<{ headers: object }>(operation.responses)) {
      expect(headers).toMatchObject({ 'X-Request-Id': { $ref: '#/components/headers/RequestId' } })
    }
  }
})

describe('the examples work as they stand', () => {
  test('each runs in a shell, and none is invalid', async () => {
    for (const { path, method, operation } of operations()) {
      // A stream has no end of its own.
      const end = path === '/api/stream' ? ' -m 1 || true' : ''
      const command = `${curl(path, method, operation, app.url)} -s -o /dev/null -w '%{http_code}'${end}`
      const { stdout } = await promisify(execFile)('sh', ['-c', command], {
        env: { ...process.env, TOKEN: OPERATOR_TOKEN },
      })
      // There is nothing recorded to look at; and the token that the example of the login has is another.
      const nothingThere = /\{key\}|\/api\/(record(\/|$)|session|delivery$|refused\/|failed\/delivery)/.test(path)
        ? [200, 404, 401]
        : [200]
      // The source of the examples has no sender, so that nothing of it can be forged.
      const ofPath: Record<string, number[]> = { '/hooks/later': [202], '/api/test/tampered': [400] }
      const expected = ofPath[path] ?? nothingThere
      expect([path, method, stdout, expected.includes(Number(stdout))]).toEqual([path, method, stdout, true])
      expect([path, Object.keys(operation.responses).includes(stdout)]).toEqual([path, true])
    }
  })
})

test('the page shows every route with its example, and loads nothing from other sites', async () => {
  const page = await send(`${app.url}/docs`, { method: 'GET' })
  expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
  expect(page.headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'sha256-\S+'; base-uri/)
  for (const { path, method } of operations()) expect(page.text).toContain(`<code>${method} ${path}</code>`)
  expect(page.text).toContain(`curl -X POST &#39;${app.url}/webhook&#39;`)
  expect(page.text).toContain(`&#39;${app.url}/webhook/events/redrive?dry_run=true&#39;`)
  expect(page.text).not.toMatch(/<script|<link|<img|@import|url\(|style="/)
})

test.each(Object.keys(SERVER_PROBLEMS) as (keyof typeof SERVER_PROBLEMS)[])(
  '/problems/%s explains the problem',
  async code => {
    const { means, todo } = PROBLEM_HELP[code]
    const [status, title] = SERVER_PROBLEMS[code]
    const { json } = await send(`${app.url}/problems/${code}`, { method: 'GET' })
    expect(json).toEqual({ type: `/problems/${code}`, code, status, title, means, todo })
    expect(Math.min(means.length, todo.length)).toBeGreaterThan(10)
    const page = await send(`${app.url}/problems/${code}`, { method: 'GET', headers: { accept: 'text/html' } })
    expect(page.headers['content-type']).toMatch(/^text\/html/)
    expect(page.text).toContain('<h2>What to do</h2>')
  },
)
