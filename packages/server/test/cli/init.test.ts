import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SENDERS } from 'hookonce/senders'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { startPostgres } from '../../../../scripts/test-servers/postgres.js'
import { startRedis } from '../../../../scripts/test-servers/redis.js'
import { requireTool, TOOL_TIMEOUT_MS } from '../../../../scripts/test-tools/index.js'
import { RECIPES } from '../../../hookonce/test/senders/recipes.js'
import { type Choices, MODES, STORES } from '../../src/cli/init/choices.js'
import { configText, senderOptions } from '../../src/cli/init/config-text.js'
import { resolveConfig } from '../../src/config/resolve.js'
import { runCli, startServer, stopServers, temporaryFolder } from '../support/server.js'
import { CONTROL_C, closeTerminals, DOWN, ENTER, openTerminal, TAB } from '../support/terminal.js'

beforeAll(() => requireTool('python'), TOOL_TIMEOUT_MS)
afterAll(() => {
  closeTerminals()
  stopServers()
})

const FILE = 'hookonce.config.ts'
const written = (cwd: string) => readFileSync(join(cwd, FILE), 'utf8')
const init = (args: string[], cwd = temporaryFolder()) => runCli({ args: ['init', ...args], cwd })

/** What the senders' consoles would show, by variable. */
const SECRETS: Record<string, string> = Object.fromEntries(
  [...SENDERS.keys()].flatMap(sender => {
    const { secret, publicHalf } = RECIPES[sender]!
    const [held, ...others] = senderOptions(sender)
    const value = secret()
    return [
      [held!.variable, publicHalf?.(value) ?? value],
      ...others.map(({ variable }) => [
        variable,
        variable.endsWith('URL') ? 'https://hooks.example/x' : 'a-word-of-mine',
      ]),
    ]
  }),
)

describe('every choice makes a file that loads as it is, without a warning', () => {
  beforeEach(() => {
    for (const [name, value] of Object.entries(SECRETS)) vi.stubEnv(name, value)
    return () => void vi.unstubAllEnvs()
  })

  const senders = [undefined, ...SENDERS.keys()]
  test.each(MODES.flatMap(mode => STORES.map(store => [mode, store] as const)))(
    '%s, %s',
    async (mode, store) => {
      // Each sender with a URL or without one, and its neighbour the other way.
      for (const [index, sender] of senders.entries()) {
        const forward =
          (index + STORES.indexOf(store) + MODES.indexOf(mode)) % 2 ? undefined : "http://localhost:3000/it's"
        const folder = temporaryFolder()
        const choices: Choices = { senders: sender === undefined ? [] : [sender], mode, store, forward }
        writeFileSync(join(folder, FILE), configText(choices))
        const config = await resolveConfig({ env: {}, folder })
        const source = config.sources.get(sender ?? 'default')!
        expect(source.options.sender?.facts.name).toBe(sender)
        expect([config.store.kind, source.inbox !== undefined]).toEqual([store, mode === 'inbox'])
        expect(source.handle).toMatchObject(
          forward === undefined ? { kind: 'acknowledge' } : { kind: 'forward', url: forward },
        )
        expect(config.secretWarnings).toEqual([])
      }
    },
    120_000,
  )
})

describe('the server starts with a file of all senders, without a warning', () => {
  let urls: Record<string, string>
  const servers: { stop(): Promise<unknown> }[] = []
  beforeAll(async () => {
    const [redis, postgres] = await Promise.all([startRedis({ appendfsync: 'always' }), startPostgres({})])
    servers.push(redis, postgres)
    urls = { REDIS_URL: redis.url, DATABASE_URL: postgres.url }
  }, TOOL_TIMEOUT_MS)
  afterAll(() => Promise.all(servers.map(server => server.stop())))

  test.each(MODES.flatMap(mode => STORES.map(store => [mode, store] as const)))('%s, %s', async (mode, store) => {
    const cwd = temporaryFolder()
    const flags = [...SENDERS.keys()].flatMap(sender => ['--sender', sender])
    expect(await init([...flags, '--mode', mode, '--store', store], cwd)).toMatchObject({ code: 0, stderr: '' })
    const server = await startServer({ cwd, env: { ...SECRETS, ...urls } })
    expect(server.stderr()).toBe('')
    expect(server.stdout()).not.toMatch(/"level":"(warn|error)"/)
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
    server.kill()
    await server.exited
  })
})

test('without a terminal nothing is asked: what is not said has its default', async () => {
  const cwd = temporaryFolder()
  const { code, stdout } = await init([], cwd)
  expect([code, stdout]).toEqual([0, expect.stringContaining('hookonce.config.ts is written.')])
  expect(written(cwd)).toContain("storeUrl: 'sqlite:./data/hookonce.db'")
  expect(written(cwd)).toContain("mode: 'inline'")
})

test('secrets are named, never written; a start without one says which', async () => {
  const cwd = temporaryFolder()
  const { stdout } = await init(['--sender', 'stripe'], cwd)
  expect(stdout).toMatch(/export STRIPE_SECRET=…/)
  expect(written(cwd)).toContain("stripe({ secrets: [env('STRIPE_SECRET')] })")
  const { code, stderr } = await runCli({ cwd })
  expect([code, stderr]).toEqual([2, expect.stringMatching(/: STRIPE_SECRET is not set, nor STRIPE_SECRET_FILE\n$/)])
  const secret = join(cwd, 'secret')
  writeFileSync(secret, `${SECRETS.STRIPE_SECRET}\n`)
  await startServer({ cwd, env: { STRIPE_SECRET_FILE: secret } })
})

test.each(['hookonce.config.ts', 'hookonce.config.mjs'])('%s is not overwritten without --force', async name => {
  const cwd = temporaryFolder()
  writeFileSync(join(cwd, name), 'mine')
  const refused = await init(['--yes'], cwd)
  expect([refused.code, refused.stderr]).toEqual([1, `hookonce: ${name} is there already; --force overwrites it\n`])
  expect(readFileSync(join(cwd, name), 'utf8')).toBe('mine')
  expect(await init(['--force'], cwd)).toMatchObject({ code: 0 })
  const server = await startServer({ cwd })
  expect(server.stdout()).toContain(`"configFile":"${join(cwd, name)}"`)
})

test.each([
  [['--sender', 'strip'], /^hookonce: --sender must be one of: .* not strip; did you mean stripe\?\n$/],
  [['--mode', 'outbox'], /^hookonce: --mode must be one of: inline, inbox, not outbox/],
  [['--forward', 'localhost:3000'], /^hookonce: --forward must be an http:\/\/ or https:\/\/ URL/],
  [
    ['--forward', 'http://me:pass@localhost'],
    /^hookonce: --forward has a password, (?!.*pass@).*HOOKONCE_FORWARD_TO\n$/,
  ],
  [['stripe'], /^hookonce: init takes options only, not stripe\n$/],
])('%j is refused', async (args, line) => {
  const { code, stdout, stderr } = await init(args)
  expect([code, stdout, stderr]).toEqual([2, '', expect.stringMatching(line)])
})

describe('at a terminal', () => {
  test('it asks, and the file says what was answered', async () => {
    const cwd = temporaryFolder()
    const terminal = await openTerminal({ args: ['init'], cwd })
    await terminal.shows(/Who delivers\?/)
    terminal.type('strip')
    await terminal.shows(/◻ Stripe/)
    terminal.type(TAB)
    await terminal.shows(/◼ Stripe/)
    terminal.type(ENTER)
    await terminal.shows(/How are deliveries answered\?/)
    terminal.type(DOWN)
    await terminal.shows(/● inbox/)
    terminal.type(ENTER)
    await terminal.shows(/Where are records kept\?/)
    terminal.type(ENTER)
    await terminal.shows(/Which URL of your application/)
    terminal.type(`http://me:pass@localhost${ENTER}`)
    await terminal.shows(/has a password/)
    terminal.type('\x15')
    terminal.type(`http://localhost:3000/hooks${ENTER}`)
    await terminal.shows(/hookonce\.config\.ts is written/)
    expect(await terminal.exited).toBe(0)
    const text = written(cwd)
    for (const part of [
      "env('STRIPE_SECRET')",
      "mode: 'inbox'",
      "'sqlite:",
      "forward('http://localhost:3000/hooks')",
    ]) {
      expect(text).toContain(part)
    }
  })

  test('it does not ask what is given; Ctrl+C writes nothing', async () => {
    const cwd = temporaryFolder()
    const args = ['init', '--sender', 'github', '--mode', 'inline', '--store', 'memory']
    const terminal = await openTerminal({ args, cwd })
    await terminal.shows(/Which URL of your application/)
    expect(terminal.text()).not.toMatch(/Who delivers|How are|Where are/)
    terminal.type(CONTROL_C)
    await terminal.shows(/hookonce: init: nothing was written/)
    expect(await terminal.exited).toBe(1)
    expect(() => written(cwd)).toThrow('ENOENT')
  })

  test('--yes asks nothing', async () => {
    const cwd = temporaryFolder()
    const terminal = await openTerminal({ args: ['init', '--yes'], cwd })
    expect(await terminal.exited).toBe(0)
    expect(written(cwd)).toContain("mode: 'inline'")
  })
})
