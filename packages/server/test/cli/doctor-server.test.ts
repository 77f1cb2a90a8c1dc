import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sqliteStore } from 'hookonce/stores/sqlite'
import { afterAll, expect, test } from 'vitest'
import { pack } from '../../src/journal/packed.js'
import { send } from '../support/http.js'
import { OPERATOR_TOKEN } from '../support/operator.js'
import { DAY, every, HOUR, MINUTE, writePast } from '../support/past.js'
import { type RunningServer, runCli, startServer, stopServers, temporaryFolder } from '../support/server.js'

/** Nobody listens where `relayed` forwards. */
const CONFIG = `
import { acknowledge, forward } from '@hookonce/server'
const fail = () => new Response('no', { status: 503 })
export default {
  sources: {
    ...{ quiet: { handle: acknowledge() }, refusing: { handle: acknowledge() }, failing: { handle: fail } },
    dying: { mode: 'inbox', retryDelaysSeconds: [], handle: fail },
    relayed: { mode: 'inbox', handle: forward('http://127.0.0.1:1') },
  },
}
`

afterAll(stopServers)

function place(config?: string) {
  const cwd = temporaryFolder()
  if (config !== undefined) writeFileSync(join(cwd, 'hookonce.config.mjs'), config)
  const file = join(cwd, 'hookonce.db')
  const env = {
    HOOKONCE_STORE_URL: `sqlite:${file}`,
    HOOKONCE_ADMIN_TOKEN: OPERATOR_TOKEN,
    // However busy the machine is, nothing is refused for that.
    HOOKONCE_STORE_TIMEOUT_SECONDS: '5',
    HOOKONCE_MAX_EVENT_LOOP_DELAY_MS: '0',
  }
  return { cwd, file, env }
}

async function doctor({ cwd, env }: ReturnType<typeof place>, url: string, token = OPERATOR_TOKEN) {
  const given = { ...env, HOOKONCE_ADMIN_TOKEN: token }
  const { code, stdout } = await runCli({ cwd, args: ['doctor', '--json', '--url', url], env: given })
  const findings: { check: string; status: string; message: string; fix?: string }[] = JSON.parse(stdout)
  for (const { status, fix } of findings) expect(fix !== undefined).toBe(status !== 'ok')
  const told = findings.filter(({ status }) => status !== 'ok').map(({ check, status }) => `${status} ${check}`)
  const about = (check: string) => findings.filter(finding => finding.check === check).map(({ message }) => message)
  return { code, findings, told, about, stdout }
}

const deliver = ({ url }: RunningServer, source: string, key: string) =>
  send(`${url}/hooks/${source}`, { headers: { 'x-idempotency-key': key } })

test('a server that does well: nothing is wrong, and the exit code is 0', async () => {
  const at = place()
  const server = await startServer(at)
  expect((await send(`${server.url}/webhook`, { headers: { 'x-idempotency-key': 'a' }, body: '{}' })).status).toBe(200)
  let found = await doctor(at, server.url)
  // Its first sign of life is written within a second or two.
  while (found.told.includes('fail processes')) found = await doctor(at, server.url)
  expect([found.code, found.told]).toEqual([0, []])
  const checks = found.findings.map(({ check }) => check)
  expect(checks.slice(checks.indexOf('server'))).toEqual([
    ...['server', 'ready', 'store of the server', 'processes', 'versions', 'what is kept for operators'],
    ...['clock of the server', 'source default'],
  ])
  expect(found.about('processes')[0]).toMatch(new RegExp(`^1 alive: server ${server.pid} on .*, seen [\\d.]+ s ago$`))
  expect(found.about('source default')[0]).toMatch(/^deliveries in an hour: 1; the last one [\d.]+ s ago$/)
  expect(found.stdout).not.toContain(OPERATOR_TOKEN)
})

test('one that does badly: what is wrong with each source and process, and what to do', async () => {
  const at = place(CONFIG)
  const store = sqliteStore(at.file)
  const now = Date.now()
  await writePast(store.journal!, { source: 'quiet', times: every(MINUTE, now - 3 * DAY, now - 3 * HOUR), now })
  const facts = { host: 'old', role: 'worker', version: '0.0.1', startedAt: 0, url: null, eventLoopLagMs: 0 }
  const ofProcess = (id: string, pid: number, seenAt: number) => ({
    ...{ list: 'processes', id, at: seenAt, keepMs: HOUR },
    value: pack({ ...facts, pid, inFlight: 0, running: 0 }),
  })
  // Alive for as long as the test takes: its clock is ahead.
  await store.journal!.write([ofProcess('silent', 1, now - 2 * MINUTE), ofProcess('earlier', 2, now + 5 * MINUTE)])
  await store.close()
  const server = await startServer(at)
  for (let i = 0; i < 5; i++) {
    await deliver(server, 'failing', `k${i}`)
    await deliver(server, 'refusing', 'two words')
    await deliver(server, 'dying', `k${i}`)
    await deliver(server, 'relayed', `k${i}`)
  }
  const isReady = ({ about }: Awaited<ReturnType<typeof doctor>>) =>
    about('source relayed').some(message => message.startsWith('the circuit breaker is ')) &&
    about('source dying').includes('dead deliveries: 5') &&
    about('processes').some(message => message.includes(`server ${server.pid} `))
  let found = await doctor(at, server.url)
  while (!isReady(found)) found = await doctor(at, server.url)
  expect(found.code).toBe(1)
  expect(found.told.filter(told => !told.endsWith('source relayed'))).toEqual([
    ...['warn processes', 'warn versions', 'warn what is kept for operators', 'fail source quiet'],
    ...['warn source refusing', 'warn source failing', 'warn source failing', 'warn source dying', 'warn source dying'],
  ])
  expect(found.about('processes')[1]).toMatch(/^worker 1 on old, seen [\d.]+ min ago: it was killed or hangs$/)
  expect(found.about('versions')[0]).toMatch(/worker 2 on old of 0\.0\.1$/)
  expect(found.about('source quiet')[0]).toMatch(/^silent for [\d.]+ h; usually at most 10 min between deliveries$/)
  expect(found.about('source refusing')).toEqual(['5 of 5 deliveries were refused in an hour'])
  expect(found.about('source failing')[0]).toBe('5 of 5 deliveries failed in an hour')
  expect(found.about('source relayed').join()).toMatch(
    new RegExp(`the circuit breaker is (half-)?open since .*Z, in server ${server.pid} on `),
  )
})

test('a server that is down, and one that knows another token', async () => {
  const at = place()
  const server = await startServer(at)
  const refused = await doctor(at, server.url, 'the-token-of-another-one')
  expect([refused.code, refused.told]).toEqual([1, ['fail what the server tells operators']])
  expect(refused.about('server')[0]).toMatch(/ is up, and answers in \d+ ms$/)
  server.kill()
  await server.exited
  const down = await doctor(at, server.url)
  expect([down.code, down.told]).toEqual([1, ['fail server']])
  expect(down.about('server')[0]).toMatch(/ does not answer \(ECONNREFUSED\)$/)
})

test('a URL that is none is wrong use', async () => {
  const { code, stderr } = await runCli({ args: ['doctor', '--url', 'localhost'] })
  expect([code, stderr]).toEqual([2, expect.stringContaining('--url must be an http')])
})
