import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { parseEventsCommand } from '../../src/cli/events/options.js'
import { send } from '../support/http.js'
import { type RunningServer, runCli, startServer, stopServers } from '../support/server.js'

const OPERATOR = { HOOKONCE_ADMIN_TOKEN: 'a-long-enough-token' }

/** What the application answers is in the file. */
const CONFIG = `
import { readFileSync } from 'node:fs'
const status = () => Number(readFileSync(new URL('./status', import.meta.url), 'utf8'))
const handle = () => new Response('{"told":"by the application"}', { status: status() })
export default { sources: { orders: { handle }, all: { handle, recordDelivery: 'all' } } }
`

const cwd = mkdtempSync(join(tmpdir(), 'hookonce-events-'))
const answerWith = (status: number) => writeFileSync(join(cwd, 'status'), String(status))
let server: RunningServer

beforeAll(async () => {
  answerWith(503)
  writeFileSync(join(cwd, 'hookonce.config.mjs'), CONFIG)
  server = await startServer({ env: OPERATOR, cwd })
})
afterAll(stopServers)

async function run(...args: string[]) {
  const { code, stdout, stderr } = await runCli({ args: ['events', ...args, '--url', server.url], env: OPERATOR })
  return { code, stdout, stderr, json: args.includes('--json') && stdout !== '' ? JSON.parse(stdout) : undefined }
}

const deliver = (source: string, key: string, body = '{"n":1}') =>
  send(`${server.url}/hooks/${source}`, { headers: { 'x-idempotency-key': key }, body })

test('what failed is listed, found by its content, shown, and replayed by its key', async () => {
  for (let i = 0; i < 5; i++) await deliver('orders', `evt_${i}`, `{"order":${4710 + i}}`)
  const { stdout } = await run('list', '--failed', '--source', 'orders')
  expect(stdout.split('\n')[0]).toMatch(/^AT +SOURCE +KEY +OUTCOME +STATUS +ID$/)
  expect(stdout).toMatch(/ orders +evt_4 +failed +503 +evt_4\n.* evt_3 /s)
  const found = await run('list', '--failed', '--contains', '"order":4711', '--json')
  expect(found.json.events.map(({ key }: { key: string }) => key)).toEqual(['evt_1'])
  const shown = await run('show', 'evt_1', '--source', 'orders')
  expect(shown.stdout).toMatch(/POST \/hooks\/orders\n.*\n\{"order":4711\}\n/s)
  const again = await run('replay', 'evt_1', '--source', 'orders')
  expect([again.code, again.stdout]).toEqual([1, '503  evt_1\n1 replayed, 0 have a result, 1 have none\n'])
  answerWith(200)
  const done = await run('replay', 'evt_1', 'unknown', '--source', 'orders')
  expect(done.code).toBe(1)
  expect(done.stdout).toMatch(
    /^- {2}unknown {2}\(No delivery .* is kept under this key\.\)\n2 replayed, 1 have a result/,
  )
})

test('many are replayed once their number is confirmed', async () => {
  answerWith(503)
  for (let i = 10; i < 16; i++) await deliver('orders', `evt_${i}`, `{"batch":"${i % 2 === 0 ? 'even' : 'odd'}"}`)
  answerWith(200)
  const dry = await run('replay', '--source', 'orders', '--contains', 'even', '--dry-run', '--json')
  expect([dry.code, dry.json]).toEqual([0, { would_replay: 3 }])
  const wrong = await run('replay', '--source', 'orders', '--contains', 'even', '--confirm', '2')
  expect([wrong.code, wrong.stdout]).toEqual([
    1,
    '3 would be replayed, none has been: add --confirm 3, or --confirm all\n',
  ])
  const done = await run('replay', '--source', 'orders', '--contains', 'even', '--confirm', '3', '--json')
  expect([done.code, done.json]).toEqual([0, { replayed: 3, succeeded: 3, failed: [] }])
  const left = await run('list', '--failed', '--source', 'orders', '--contains', 'batch', '--json')
  expect(left.json.events.map(({ key }: { key: string }) => key)).toEqual(['evt_15', 'evt_13', 'evt_11'])
})

test('what is kept of every source is listed together, newest first', async () => {
  answerWith(200)
  await deliver('all', 'kept_1')
  await deliver('all', 'kept_1')
  const { json } = await run('list', '--since', '1h', '--limit', '3', '--json')
  expect(json.events.map(({ key, outcome }: Record<string, string>) => `${key} ${outcome}`).slice(0, 2)).toEqual([
    'kept_1 replayed',
    'kept_1 executed',
  ])
  expect((await run('list', '--until', '2020-01-01', '--json')).json).toEqual({ events: [] })
})

test('refused deliveries are listed with the reason', async () => {
  await deliver('orders', 'x'.repeat(300))
  await vi.waitFor(async () => {
    const { stdout } = await run('list', '--refused', '--source', 'orders')
    expect(stdout).toMatch(/ orders +400 +[\w-]{36} +invalid/)
  }, 30_000)
})

test('what is not there, and a server that is away, are told', async () => {
  const unknown = await run('show', 'unknown', '--source', 'orders')
  expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringMatching(/keeps no such delivery/)])
  const away = await runCli({ args: ['events', 'list', '--url', 'http://127.0.0.1:9'], env: OPERATOR })
  expect([away.code, away.stderr]).toEqual([1, expect.stringMatching(/127\.0\.0\.1:9 does not answer/)])
})

test.each([
  [[], /usage: hookonce events list, show or replay/],
  [['lists'], /usage: hookonce events/],
  [['list', 'key'], /events list does not take key/],
  [['list', '--dry-run'], /--dry-run is not an option of hookonce events list/],
  [['list', '--failed', '--refused'], /keep one/],
  [['list', '--limit', '0'], /--limit must be/],
  [['show'], /usage: hookonce events show ID/],
  [['replay'], /needs keys, --dry-run or --confirm/],
  [['replay', 'key', '--since', '1h'], /keys, or --since: keep one/],
  [['replay', '--confirm', 'some'], /--confirm must be/],
  [['replay', '--confirm', '1', '--dry-run'], /keep one/],
])('a command that makes no sense is refused: %s', (args, error) => {
  expect(() => parseEventsCommand(args)).toThrow(error)
})
