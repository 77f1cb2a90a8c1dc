import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { send } from '../support/http.js'
import { runCli, startServer, stopServers, temporaryFolder } from '../support/server.js'

afterAll(stopServers)

test('npx hookonce is the command, in a checkout too', () => {
  const [root, server] = ['../../../../', '../../'].map(path => fileURLToPath(new URL(path, import.meta.url)))
  const { stdout, stderr, status } = spawnSync('npx', ['hookonce', '--version'], { cwd: root!, encoding: 'utf8' })
  const { version } = JSON.parse(readFileSync(join(server!, 'package.json'), 'utf8'))
  expect({ stdout, stderr, status }).toEqual({ stdout: `${version}\n`, stderr: '', status: 0 })
})

// Together, for some wait until the store may still come up.
describe.concurrent('a failed start prints one line', () => {
  test.each<[string, Record<string, string>, string[], number, RegExp]>([
    ['an unknown option', {}, ['--prot', '1'], 2, /^hookonce: --prot is not an option; did you mean --port\?\n$/],
    ['an unknown variable', { HOOKONCE_X: '1' }, [], 2, /^hookonce: HOOKONCE_X in the environment is not a setting\n$/],
    [
      'a value out of range',
      { PORT: 'x' },
      [],
      2,
      /^hookonce: PORT must be a whole number from 0 to 65535, not "x"\n$/,
    ],
    [
      'a store of another kind',
      { HOOKONCE_STORE_URL: 'mysql://h' },
      [],
      2,
      /^hookonce: .* must be memory:, .* or postgres:.*, not mysql:\n$/,
    ],
    [
      'a store that is none',
      {},
      ['--store-url', 'sqlite:/etc/hostname'],
      1,
      /^hookonce: the store sqlite:\/etc\/hostname cannot be used: .*\n$/,
    ],
    [
      'a Redis that is not there',
      { HOOKONCE_STORE_URL: 'redis://user:secret@127.0.0.1:1' },
      [],
      1,
      /^hookonce: the store redis:\/\/127\.0\.0\.1:1 cannot be used: (?!.*secret).*\n$/,
    ],
    [
      'a Postgres that is not there',
      { HOOKONCE_STORE_URL: 'postgres://user:secret@127.0.0.1:1/app' },
      [],
      1,
      /^hookonce: the store postgres:\/\/127\.0\.0\.1:1\/app cannot be used: (?!.*secret).*\n$/,
    ],
    ...[
      ['HOOKONCE_STORE_URL', 'redis://app:u@pw#1@127.0.0.1:6379'],
      ['HOOKONCE_STORE_URL', 'rediss://app:pw/1@127.0.0.1:6379'],
      ['HOOKONCE_STORE_URL', 'redis://app:u@pw?1@127.0.0.1:6379'],
      ['HOOKONCE_STORE_URL', 'redis://app:12/pw@127.0.0.1:6379'],
      ['HOOKONCE_STORE_URL', 'redis://app:pw100%@127.0.0.1:6379'],
      ['HOOKONCE_STORE_URL', 'postgres://app:u@pw#1@127.0.0.1/app'],
      ['HOOKONCE_STORE_URL', 'postgresql://app:u@pw/1@127.0.0.1/app'],
      ['HOOKONCE_POSTGRES_LISTEN_URL', 'postgres://app:u@pw#1@127.0.0.1/app'],
      ['HOOKONCE_FORWARD_TO', 'http://app:u@pw/1@127.0.0.1/'],
      ['HOOKONCE_FORWARD_TO', 'http://app:pw%@127.0.0.1/'],
    ].map(([name, url]): [string, Record<string, string>, string[], number, RegExp] => [
      `${name}, whose password is not percent-encoded: ${url}`,
      { [name!]: url! },
      [],
      2,
      new RegExp(`^hookonce: ${name}:? (?!.*(pw|app|127)).*percent-encoded.*\\n$`),
    ]),
    [
      'a Postgres whose password ended where options begin',
      { HOOKONCE_STORE_URL: 'postgres://app:u@pw.invalid?1=2@127.0.0.1/app' },
      [],
      1,
      /^hookonce: the store cannot be used: (?!.*(pw|app|127)).*percent-encoded.*\n$/,
    ],
    [
      'an address of another machine',
      { HOST: '192.0.2.1' },
      ['--store-url', 'memory:'],
      1,
      /^hookonce: cannot listen on 192\.0\.2\.1:8000: this machine does not have that address.*\n$/,
    ],
  ])('%s', async (_, env, args, code, line) => {
    const exit = await runCli({ env, args })
    expect(exit.stderr).toMatch(line)
    expect([exit.code, exit.stdout]).toEqual([code, ''])
  })

  test.each(['127.0.0.1', '::1'])('a port that is in use on %s', async host => {
    const other = createServer()
    const port = await new Promise<number | undefined>(resolve => {
      other.on('error', () => resolve(undefined))
      other.listen(0, host, () => resolve((other.address() as { port: number }).port))
    })
    // A machine without IPv6 has nothing to take there.
    if (port === undefined) return
    const exit = await runCli({ args: ['--store-url', 'memory:', '--port', String(port)] })
    other.close()
    expect(exit.stderr).toMatch(
      /^hookonce: cannot listen on \S+: the port is in use; choose another with --port or PORT\n$/,
    )
    expect(exit.code).toBe(1)
  })
})

test('--help and --version', async () => {
  expect((await runCli({ args: ['--version'] })).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  const help = await runCli({ args: ['serve', '--help'] })
  expect([help.code, help.stdout]).toEqual([0, expect.stringContaining('--store-url (HOOKONCE_STORE_URL)')])
})

test('by default records are in ./data/hookonce.db and survive a restart', async () => {
  const cwd = temporaryFolder()
  const deliver = (url: string) => send(`${url}/webhook`, { headers: { 'X-Idempotency-Key': 'a' }, body: '{}' })
  const first = await startServer({ cwd })
  const { text } = await deliver(first.url)
  expect(first.stdout()).toContain(`"store":"sqlite:${join(cwd, 'data/hookonce.db')}"`)
  first.kill('SIGKILL')
  await first.exited
  const second = await startServer({ cwd })
  const replay = await deliver(second.url)
  expect([replay.text, replay.headers['x-cached']]).toEqual([text, 'true'])
})

test.each(['mjs', 'ts'])('a config file in .%s defines settings, sources and handlers', async extension => {
  const cwd = temporaryFolder()
  mkdirSync(join(cwd, 'node_modules/@hookonce'), { recursive: true })
  symlinkSync(fileURLToPath(new URL('../../', import.meta.url)), join(cwd, 'node_modules/@hookonce/server'))
  const types = extension === 'ts'
  writeFileSync(
    join(cwd, `hookonce.config.${extension}`),
    `import { acknowledge, defineConfig${types ? ', type Delivery' : ''} } from '@hookonce/server'
export default defineConfig({
  storeUrl: 'memory:',
  sources: {
    echo: { handle: (delivery${types ? ': Delivery' : ''}) => new Response(delivery.text(), { status: 202 }) },
    plain: { handle: acknowledge(), keyRequired: true },
  },
})`,
  )
  const { url, stdout } = await startServer({ cwd })
  expect(stdout()).toContain(`"configFile":"${join(cwd, `hookonce.config.${extension}`)}"`)
  const echo = await send(`${url}/hooks/echo`, { headers: { 'Idempotency-Key': 'a' }, body: 'hi' })
  expect([echo.status, echo.text]).toEqual([202, 'hi'])
  expect((await send(`${url}/hooks/plain`, { body: '{}' })).status).toBe(400)
})
