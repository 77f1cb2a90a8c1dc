import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { until } from '../process/support/until.js'
import { send } from '../support/http.js'
import { scrape } from '../support/metrics.js'
import { startServer, stopServers, temporaryFolder } from '../support/server.js'

afterAll(stopServers)

const deliver = (url: string, key: string) => send(url, { headers: { 'x-idempotency-key': key }, body: '{}' })

/** New keys until one is refused; those that were taken, and the refusal. */
async function fill(url: string) {
  for (let taken = 1; taken < 1000; taken++) {
    const answer = await deliver(url, `key-${taken}`)
    if (answer.status >= 400) return { taken: taken - 1, refused: answer }
  }
  throw new Error(`${url} takes whatever comes`)
}

test('a full source answers new keys 507 with the reason, and reports it; other sources are not affected', async () => {
  const cwd = temporaryFolder()
  writeFileSync(
    join(cwd, 'hookonce.config.mjs'),
    `export default { sources: {
      small: { maxRecords: 20 },
      bytes: { mode: 'inbox', maxRecords: 0, maxStoredBytes: 20_000 },
      any: { maxRecords: 0 },
    } }`,
  )
  const server = await startServer({ cwd, env: { HOOKONCE_MAX_RECORDS: '30' } })
  const { url, stdout } = server
  const small = await fill(`${url}/hooks/small`)
  expect(small.taken).toBeGreaterThanOrEqual(20)
  expect(small.refused.status).toBe(507)
  expect(small.refused.headers['retry-after']).toBe('60')
  expect(small.refused.json).toMatchObject({ code: 'source_full', type: '/problems/source_full' })
  expect(small.refused.json.detail).toContain('maxRecords')
  expect((await send(`${url}/problems/source_full`, { method: 'GET' })).text).toContain('HOOKONCE_MAX_RECORDS')
  expect((await deliver(`${url}/hooks/small`, 'key-1')).headers['idempotent-replayed']).toBe('true')

  expect((await fill(`${url}/hooks/bytes`)).refused.json.detail).toContain('maxStoredBytes')
  expect((await fill(`${url}/webhook`)).taken).toBeGreaterThanOrEqual(30)
  for (let i = 0; i < 50; i++) expect((await deliver(`${url}/hooks/any`, `key-${i}`)).status).toBe(200)

  const seen = await scrape(url)
  expect(seen.value('deliveries_total', { source: 'small', outcome: 'full' })).toBe(1)
  expect(seen.value('deliveries_total', { source: 'any', outcome: 'full' })).toBe(0)
  const lines = () =>
    stdout()
      .split('\n')
      .filter(line => line.includes('is at its limit'))
  await until('three lines of the log', () => lines().length === 3)
  expect(JSON.parse(lines()[0]!)).toMatchObject({ level: 'warn', source: 'small', limit: 'maxRecords', most: 20 })
})

test.each([
  ['HOOKONCE_MAX_RECORDS', '-1'],
  ['HOOKONCE_MAX_STORED_BYTES', '1.5'],
])('%s=%s is refused at the start', async (name, value) => {
  await expect(startServer({ env: { [name]: value } })).rejects.toThrow(name)
})
