import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { requireTool, TOOL_TIMEOUT_MS } from '../../../../scripts/test-tools/index.js'
import { until } from '../process/support/until.js'
import { send } from '../support/http.js'
import { CLI, temporaryFolder } from '../support/server.js'
import { CONTROL_C, closeTerminals, openTerminal, type Terminal } from '../support/terminal.js'

beforeAll(() => requireTool('python'), TOOL_TIMEOUT_MS)
afterAll(closeTerminals)

const CONFIG = `export default { storeUrl: 'memory:', sources: {
  default: { handle: { kind: 'forward', url: 'http://user:password@127.0.0.1:1/hooks?token=t', timeoutSeconds: 1 } },
  orders: { handle: delivery => Response.json(delivery.json()), keyRequired: true },
  jobs: { mode: 'inbox', retryDelaysSeconds: [0.05], handle(_, { number }) {
    if (number < 2) throw new Error('the mail server\\nis away')
    return new Response()
  } },
} }`

function configured(): string {
  const cwd = temporaryFolder()
  writeFileSync(join(cwd, 'hookonce.config.mjs'), CONFIG)
  return cwd
}

async function urlOf(terminal: Terminal): Promise<string> {
  return (await terminal.shows(/listens on (http:\/\/127\.0\.0\.1:\d+)/))[1]!
}

const deliver = (url: string, key: string | undefined, body = '{}') =>
  send(url, { headers: key === undefined ? {} : { 'X-Idempotency-Key': key }, body })

const LONG_KEY = 'evt_1NG8Du2eZvKYlo2CUI79vXWy'

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const COLOUR = /\x1b\[\d+m/

test('at a terminal the start says where everything is, without credentials', async () => {
  const cwd = configured()
  const terminal = await openTerminal({ cwd })
  const url = await urlOf(terminal)
  await terminal.shows(/ try +npx hookonce send --url http:\/\/localhost:\d+\/webhook/)
  const text = terminal.text()
  expect(text).toContain('/webhook       any sender  inline  → http://127.0.0.1:1/hooks\n')
  expect(text).toMatch(/\/hooks\/orders {2}any sender {2}inline {2}a function of the config file\n/)
  expect(text).toMatch(/\/hooks\/jobs {4}any sender {2}inbox {3}a function of the config file\n/)
  expect(text).toMatch(/ store +memory: /)
  expect(text).toContain(join(cwd, 'hookonce.config.mjs'))
  expect(text).toMatch(/ operators +closed: /)
  expect(text).not.toMatch(/password|token=t/)
  expect((await fetch(`${url}/healthz`)).status).toBe(200)
  terminal.type(CONTROL_C)
  await terminal.shows(/info {3}stopped/)
  expect(await terminal.exited).toBe(0)
})

test('a trial names its dashboard and its docs', async () => {
  const terminal = await openTerminal({ args: ['--store-url', 'memory:'] })
  const { port } = new URL(await urlOf(terminal))
  await terminal.shows(new RegExp(` dashboard +http://localhost:${port}/dashboard\n`))
  await terminal.shows(new RegExp(` docs +http://localhost:${port}/docs\n`))
  expect((await fetch(`http://localhost:${port}/docs`)).status).toBe(200)
})

test('where a token is kept, the start prints a login link with it in the fragment', async () => {
  const cwd = configured()
  const terminal = await openTerminal({ cwd, args: ['--store-url', 'sqlite:./hookonce.db'] })
  const [, token] = await terminal.shows(/ log in +http:\/\/localhost:\d+\/dashboard#token=(\S+)\n/)
  expect(token).toBe(readFileSync(join(cwd, 'operator-token'), 'utf8').trim())
})

test('each delivery has a coloured line, what failed its reason and what to do', async () => {
  const terminal = await openTerminal({ cwd: configured() })
  const url = await urlOf(terminal)
  await deliver(`${url}/hooks/orders`, LONG_KEY)
  await terminal.shows(
    /\d\d:\d\d:\d\d\.\d{3} {2}orders +evt_1NG8…o2CUI79vXWy +executed +200 +\d+\.\d ms {2}attempt 1\n/,
  )
  await deliver(`${url}/hooks/orders`, LONG_KEY)
  await terminal.shows(/orders +evt_1NG8…o2CUI79vXWy +replayed +200 +\d+\.\d ms\n/)
  await deliver(`${url}/hooks/orders`, LONG_KEY, '{"other":1}')
  await terminal.shows(/orders .* mismatch +422 .*\n +→ Send a new payload with a new key/)
  await deliver(`${url}/hooks/orders`, undefined)
  await terminal.shows(/orders +– +invalid +400 .*\n +→ Send X-Idempotency-Key/)
  await deliver(`${url}/webhook`, 'k')
  await terminal.shows(/warn +attempt given back: ECONNREFUSED 127\.0\.0\.1:1 /)
  await terminal.shows(/default +k +failed +502 .* attempt 1\n +→ Start it, or correct HOOKONCE_FORWARD_TO/)
  await deliver(`${url}/hooks/jobs`, 'j')
  await terminal.shows(/jobs +j +accepted +202 /)
  await terminal.shows(/error +handler threw .*\n +Error: the mail server is away\n +at handle /)
  await terminal.shows(/jobs +j +threw .* attempt 1\n/)
  await terminal.shows(/jobs +j +recorded .* attempt 2\n/)
  expect(terminal.raw()).toMatch(COLOUR)
  expect(terminal.text()).not.toContain('password')
})

test('NO_COLOR: nothing is coloured', async () => {
  const terminal = await openTerminal({ args: ['--store-url', 'memory:'], env: { NO_COLOR: '1' } })
  await deliver(`${await urlOf(terminal)}/webhook`, 'k')
  await terminal.shows(/default +k +executed/)
  expect(terminal.raw()).not.toMatch(COLOUR)
})

test('LOG_FORMAT=json at a terminal: lines for programs only', async () => {
  const terminal = await openTerminal({ args: ['--store-url', 'memory:'], env: { LOG_FORMAT: 'json' } })
  await terminal.shows(/"msg":"listening"/)
  for (const line of terminal.text().trim().split('\n')) expect(() => JSON.parse(line)).not.toThrow()
})

test('LOG_FORMAT=pretty without a terminal: no colours, and no token that others could read', async () => {
  const cwd = configured()
  const env = { PORT: '0', LOG_FORMAT: 'pretty', HOOKONCE_STORE_URL: 'sqlite:./hookonce.db' }
  const child = spawn(process.execPath, [CLI], { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  let text = ''
  child.stdout.setEncoding('utf8').on('data', chunk => (text += chunk))
  await until('it has started', () => text.includes(' try '))
  await deliver(`${/http:\S+/.exec(text)![0]}/hooks/orders`, 'k')
  await until('the line is there', () => /orders +k +executed/.test(text))
  expect(text).not.toMatch(COLOUR)
  expect(text).toMatch(/ operators +token: /)
  expect(text).not.toContain('#token=')
})

test('when its terminal is closed the server ends by itself', async () => {
  const terminal = await openTerminal({ args: ['--store-url', 'memory:'] })
  const url = await urlOf(terminal)
  await deliver(`${url}/webhook`, 'k')
  const isRunning = terminal.close()
  await until('the server has ended', () => !isRunning())
})
