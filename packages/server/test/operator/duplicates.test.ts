import { afterAll, expect, test } from 'vitest'
import { send } from '../support/http.js'
import { runCli, startServer, stopServers, temporaryFolder } from '../support/server.js'

afterAll(stopServers)

test('the duplicates of a record are counted over processes and restarts, and shown with it', async () => {
  const cwd = temporaryFolder()
  const [one, other] = await Promise.all([startServer({ cwd }), startServer({ cwd })])
  const deliver = async (url: string, key: string, body = '{}') =>
    (await send(`${url}/webhook`, { headers: { 'x-idempotency-key': key }, body })).status
  const before = Date.now()
  for (const [url, count] of [
    [one.url, 3],
    [other.url, 4],
  ] as const) {
    for (let i = 0; i < count; i++) expect(await deliver(url, 'k')).toBe(200)
  }
  expect(await deliver(one.url, 'k', '{"another": "body"}')).toBe(422)
  expect(await deliver(one.url, 'single')).toBe(200)

  // A process that ends writes what it has not written yet.
  other.kill()
  await other.exited
  const shown = async (url: string, path: string) => (await send(url + path, { method: 'GET' })).json.duplicates
  const record = (key: string) => shown(one.url, `/api/record?key=${key}`)
  await expect.poll(() => record('k')).toMatchObject({ count: 6, at_least: false })
  const { first_at, last_at } = await record('k')
  const times = [before, Date.parse(first_at), Date.parse(last_at), Date.now()]
  expect(times).toEqual(times.toSorted((a, b) => a - b))
  expect(await shown(one.url, '/webhook/idempotency/k')).toEqual(await record('k'))
  expect(await record('single')).toEqual({ count: 0, first_at: null, last_at: null, at_least: false })

  const again = await startServer({ cwd })
  await deliver(again.url, 'k')
  await expect.poll(() => record('k')).toMatchObject({ count: 7, first_at })
  const { stdout } = await runCli({ cwd, args: ['records', 'show', 'k'] })
  expect(stdout).toMatch(/^duplicates +7$/m)
  expect(stdout).toContain(first_at)
})
