import { chmodSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { github } from 'hookonce/senders/github'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startPostgres } from '../../../../scripts/test-servers/postgres.js'
import { startRedis } from '../../../../scripts/test-servers/redis.js'
import { TOOL_TIMEOUT_MS } from '../../../../scripts/test-tools/index.js'
import { until } from '../process/support/until.js'
import { runCliHere } from '../support/cli.js'
import { send } from '../support/http.js'
import { runCli, startServer, stopServers, temporaryFolder } from '../support/server.js'
import { sendSigned } from '../support/signed.js'

const CONFIG = `import { existsSync } from 'node:fs'
export default {
  sources: {
    shop: {
      mode: 'inbox',
      retryDelaysSeconds: [],
      redactHeaders: ['x-secret'],
      handle: () => existsSync('works') ? new Response('done') : new Response('no', { status: 503 }),
    },
    patient: {
      mode: 'inbox',
      retryDelaysSeconds: [3600],
      handle: (_, { number }) => new Response('', { status: number === 1 ? 503 : 200 }),
    },
  },
}
`

/** A folder with a store that a server, which still runs, has filled. */
let cwd: string
let url: string

beforeAll(async () => {
  cwd = temporaryFolder()
  writeFileSync(join(cwd, 'hookonce.config.mjs'), CONFIG)
  const server = await startServer({ cwd })
  url = server.url
  for (const key of ['a', 'b', 'c']) await deliver('/webhook', key)
  for (let i = 0; i < 60; i++) await deliver('/hooks/shop', `s${i}`)
  await until('all are dead', async () => (await states('dead')) === 60)
}, TOOL_TIMEOUT_MS)
afterAll(stopServers)

const deliver = (path: string, key: string) =>
  send(url + path, { headers: { 'x-idempotency-key': key, 'x-secret': 's3cret' }, body: '{"event":"\\u001b[31m"}' })

async function states(state: string): Promise<number> {
  const { json } = await send(`${url}/api/records?source=shop&state=${state}&limit=500`, { method: 'GET' })
  return json.records.length
}

const cli = (...args: string[]) => runCliHere({ cwd, args })

const json = async (...args: string[]) => JSON.parse((await cli(...args, '--json')).stdout)

describe('hookonce records', () => {
  test('list: a table for people, JSON for programs, page by page', async () => {
    const { code, stdout } = await cli('records', 'list', '--source', 'default')
    expect(code).toBe(0)
    const lines = stdout.trimEnd().split('\n')
    expect(lines[0]).toMatch(/^SOURCE +KEY +LABEL +STATE +ATTEMPTS +CREATED +LAST ERROR$/)
    expect(
      lines
        .slice(1)
        .map(line => line.split(/ +/).slice(0, 4).join(' '))
        .sort(),
    ).toEqual(['default a completed 1', 'default b completed 1', 'default c completed 1'])
    const first = await json('records', 'list', '--state=dead', '--limit', '40')
    const second = await json('records', 'list', '--state', 'dead', '--limit', '40', '--after', first.next)
    expect([first.records.length, second.records.length, second.next]).toEqual([40, 20, undefined])
    expect(first.records[0]).toMatchObject({
      source: 'shop',
      state: 'dead',
      last_error: expect.stringContaining('status '),
    })
  })

  test('show: all fields, redacted and safe for a terminal', async () => {
    const { code, stdout } = await cli('records', 'show', 's0', '--source', 'shop')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^state +dead$/m)
    expect(stdout).toContain('{"event":"\\u001b[31m"}')
    expect(stdout).toContain('x-secret: [redacted]')
    expect(stdout).not.toContain('s3cret')
    expect(await json('records', 'show', 'a')).toMatchObject({
      key: 'a',
      response: { status: 200, body_encoding: 'utf8' },
    })
    const none = await cli('records', 'show', 'none')
    expect([none.code, none.stdout, none.stderr]).toEqual([1, '', expect.stringContaining('nothing is recorded')])
  })

  test('delete: the next delivery runs again in the running server', async () => {
    const before = (await deliver('/webhook', 'b')).json.event_id
    const { code, stdout } = await cli('records', 'delete', 'b', 'none')
    expect([code, stdout]).toEqual([1, 'deleted   b\nabsent    none\n'])
    expect((await cli('records', 'delete', 'b')).code).toBe(1)
    const after = await deliver('/webhook', 'b')
    expect([after.headers['x-cached'], after.json.event_id === before]).toEqual([undefined, false])
    expect((await cli('records', 'delete', 'b')).code).toBe(0)
  })

  test('redrive: dead deliveries begin again, one or many', async () => {
    const refused = await cli('records', 'redrive', 's0', 'a', '--source', 'shop')
    expect([refused.code, refused.stdout]).toEqual([
      1,
      expect.stringMatching(/^redriven {2}s0\nabsent {4}a {2}\(nothing/),
    ])
    await until('it is dead again', async () => (await states('dead')) === 60)
    const dryRun = (...args: string[]) => json('records', 'redrive', '--dead', '--dry-run', ...args)
    expect(await dryRun('--error', 'no such error')).toEqual({ would_redrive: 0 })
    expect(await dryRun('--limit', '5')).toEqual({ would_redrive: 5 })
    expect(await dryRun()).toEqual({ would_redrive: 60 })
    for (const confirm of [[], ['--confirm', '61']]) {
      const { code, stdout } = await cli('records', 'redrive', '--dead', ...confirm)
      expect([code, stdout]).toEqual([1, '60 would be redriven, none has been: add --confirm 60, or --confirm all\n'])
    }
    expect(await states('dead')).toBe(60)
    writeFileSync(join(cwd, 'works'), '')
    const five = ['--source', 'shop', '--limit', '5', '--confirm', '5']
    expect(await json('records', 'redrive', '--dead', ...five)).toMatchObject({ redriven: 5 })
    await until('five are completed', async () => (await states('completed')) === 5)
    const rest = await cli('records', 'redrive', '--dead', '--confirm', 'all')
    expect([rest.code, rest.stdout]).toEqual([0, '55 of 55 dead deliveries redriven\n'])
    await until('all are completed', async () => (await states('completed')) === 60)
    const again = await cli('records', 'redrive', 's0', '--source', 'shop')
    expect([again.code, again.stdout]).toEqual([1, 'completed s0  (--completed processes it again)\n'])
    expect((await cli('records', 'redrive', 's0', '--source', 'shop', '--completed')).code).toBe(0)
    await until('it is completed again', async () => (await states('completed')) === 60)
  })

  test('redrive --waiting: the next attempt is due at once', async () => {
    await deliver('/hooks/patient', 'p')
    const state = async () => (await json('records', 'show', 'p', '--source', 'patient')).state
    await until('it waits', async () => (await state()) === 'failed')
    const redrive = (...args: string[]) => cli('records', 'redrive', 'p', '--source', 'patient', ...args)
    const busy = await redrive()
    expect([busy.code, busy.stdout]).toEqual([
      1,
      'busy      p  (it has attempts left; --waiting makes the next one due at once)\n',
    ])
    const due = await redrive('--waiting')
    expect([due.code, due.stdout]).toEqual([0, 'due       p\n'])
    await until('it is completed', async () => (await state()) === 'completed')
  })
})

test('records are found by the sender’s label', async () => {
  const folder = temporaryFolder()
  const secret = 'a secret of thirty-two characters'
  const own = { cwd: folder, env: { HOOKONCE_SENDER: 'github', HOOKONCE_SECRET: secret } }
  const server = await startServer(own)
  const hub = github({ secrets: [secret] })
  for (const id of ['guid-1', 'guid-2']) {
    await sendSigned(`${server.url}/webhook`, hub, { id, body: JSON.stringify({ id }) })
  }
  const { stdout } = await runCli({ ...own, args: ['records', 'list', '--label', 'guid-2'] })
  const rows = stdout.trimEnd().split('\n').slice(1)
  expect(rows).toEqual([expect.stringMatching(/^default +sha256:\S+ +guid-2 +completed /)])
  const key = rows[0]!.split(/ +/)[1]!
  const shown = await runCli({ ...own, args: ['records', 'show', key] })
  expect(shown.stdout).toMatch(/^label +guid-2$/m)
})

test('hookonce stats: by source and state', async () => {
  const stats = await json('stats')
  expect(stats).toMatchObject({ store: `sqlite:${join(cwd, 'data/hookonce.db')}`, complete: true })
  expect(stats.sources).toContainEqual({ source: 'shop', state: expect.any(String), count: 60 })
  const { code, stdout } = await cli('stats')
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^SOURCE +STATE +RECORDS$/m)])
})

describe('a usage error is one line, exit code 2', () => {
  test.each([
    [['records'], /unknown command records; there are: records list, /],
    [['records', 'lst'], /unknown command records lst; /],
    [['records', 'show'], /usage: hookonce records show KEY/],
    [['records', 'list', 'a'], /usage: hookonce records list/],
    [['records', 'list', '--state', 'ded'], /--state must be one of: .*did you mean dead\?/],
    [['records', 'list', '--limit', '0'], /--limit must be a whole number from 1/],
    [['records', 'list', '--force'], /--force is not an option of hookonce records list/],
    [['records', 'list', '--sorce', 'x'], /--sorce is not an option/],
    [['records', 'redrive'], /or --dead/],
    [['records', 'redrive', 'a', '--dead'], /or --dead/],
    [['records', 'redrive', 'a', '--error', 'x'], /--error needs --dead/],
    [['records', 'redrive', 'a', '--confirm', '1'], /--confirm needs --dead/],
    [['records', 'redrive', '--dead', '--waiting'], /--waiting needs keys, not --dead/],
    [['records', 'redrive', '--dead', '--confirm', 'yes'], /--confirm must be the number of a dry run, or all/],
    [['records', 'redrive', '--dead', '--dry-run', '--confirm', '1'], /keep one/],
    [['records', 'list', '--source', 'shp'], /there is no source shp; did you mean shop\?/],
    [['records', 'redrive', '--dead', '--source', 'nope', '--confirm', 'all'], /there is no source nope$/m],
    [['stats', '--store-url', 'memory:'], /memory: ends with the process that has it/],
  ])('%j', async (args, line) => {
    const { code, stdout, stderr } = await cli(...args)
    expect([code, stdout, stderr.split('\n').length]).toEqual([2, '', 2])
    expect(stderr).toMatch(line)
  })

  test('and creates no store where there is none', async () => {
    const folder = temporaryFolder()
    const { code, stderr } = await runCli({ cwd: folder, args: ['records', 'list'] })
    expect([code, stderr]).toEqual([1, expect.stringContaining(`there is no store at ${folder}/data/hookonce.db`)])
    expect(() => statSync(join(folder, 'data'))).toThrow()
    const refused = await runCli({ args: ['stats'], env: { HOOKONCE_STORE_URL: 'redis://127.0.0.1:1' } })
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/^hookonce: the store .* cannot be used/)])
  })
})

describe('hookonce doctor', () => {
  type Finding = { check: string; status: string; message: string; fix?: string }

  const doctor = async (args: string[], env: Record<string, string> = {}, folder = cwd, run = runCliHere) => {
    const { code, stdout } = await run({ cwd: folder, args: ['doctor', '--json', ...args], env })
    const findings: Finding[] = JSON.parse(stdout)
    for (const { status, fix } of findings) expect(fix !== undefined).toBe(status !== 'ok')
    const bad = findings.filter(({ status }) => status !== 'ok').map(({ check, status }) => `${status} ${check}`)
    return { code, findings, bad }
  }

  test('a store as a server creates it is ok', async () => {
    const { code, findings, bad } = await doctor([])
    expect([code, bad]).toEqual([0, []])
    expect(findings.map(({ check }) => check)).toEqual([
      'store',
      'permissions',
      'permissions',
      'writable',
      'disk',
      'file system',
      'operators',
      'secrets',
      'retention of default',
      'retention of shop',
      'retention of patient',
    ])
    const shown = await runCli({ cwd, args: ['doctor'] })
    expect([shown.code, shown.stdout]).toEqual([0, expect.stringMatching(/^ok {4}store: sqlite:.* works$/m)])
  })

  test('a file that other users can read, with the fix', async () => {
    const file = join(cwd, 'data/hookonce.db')
    chmodSync(file, 0o644)
    const { code, findings, bad } = await doctor([])
    expect([code, bad]).toEqual([1, ['warn permissions']])
    expect(findings.find(({ status }) => status === 'warn')?.fix).toBe(`chmod go-rwx ${file}`)
    chmodSync(file, 0o600)
  })

  test.each<[string, string[], Record<string, string>]>([
    ['warn operators', [], { HOOKONCE_ADMIN_TOKEN: 'shorttoken' }],
    ['warn store', ['--store-url', 'memory:'], {}],
    ['warn store', ['--store-url', 'sqlite:./none.db'], {}],
  ])('%s: %j %o', async (finding, args, env) => {
    expect(await doctor(args, env)).toMatchObject({ code: 1, bad: [finding] })
  })

  test.each<[string, string, string[], Record<string, string>]>([
    ['ok', 'a trial: from this machine only', [], {}],
    ['ok', 'open, and only loopback is listened on', ['--operator-access', 'open'], {}],
    ['warn', 'open to every client that reaches 0.0.0.0', ['--host', '0.0.0.0', '--operator-access', 'open'], {}],
    ['ok', 'token required: the next start creates it in ', ['--forward-to', 'http://127.0.0.1:1'], {}],
    ['ok', 'closed: the source default forwards', ['--forward-to', 'http://127.0.0.1:1', '--store-url', 'memory:'], {}],
    ['ok', 'token required', [], { HOOKONCE_ADMIN_TOKEN: 'a-long-enough-token-for-doctor' }],
  ])('operators: %s, %s: %j', async (status, message, args, env) => {
    const { findings } = await doctor(args, env, temporaryFolder())
    expect(findings.find(({ check }) => check === 'operators')).toMatchObject({
      status,
      message: expect.stringContaining(message),
    })
  })

  test('operators: the token file, its mode and its errors', async () => {
    const folder = temporaryFolder()
    const about = async () => {
      const { findings } = await doctor(['--host', '0.0.0.0'], {}, folder)
      return findings.find(({ check }) => check === 'operators')!
    }
    const server = await startServer({ cwd: folder, env: { HOST: '0.0.0.0' } })
    server.kill()
    await server.exited
    const file = join(folder, 'data/operator-token')
    expect(await about()).toMatchObject({
      status: 'ok',
      message: expect.stringContaining(`the one in ${file} (mode 600)`),
    })
    chmodSync(file, 0o644)
    expect(await about()).toMatchObject({ status: 'fail', message: expect.stringContaining('(mode 644)') })
    chmodSync(file, 0o600)
    writeFileSync(file, '')
    expect(await about()).toMatchObject({ status: 'fail', message: expect.stringContaining('holds no token') })
  })

  test('Redis: eviction, persistence, reachability', async () => {
    const redis = await startRedis({ appendfsync: 'always' })
    const at = ['--store-url', redis.url]
    const well = await doctor(at)
    expect([well.code, well.bad]).toEqual([0, []])
    expect(well.findings.map(({ check }) => check)).toEqual(
      expect.arrayContaining(['store', 'eviction', 'persistence', 'replication', 'clock']),
    )
    await redis.ask('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')
    await redis.ask('CONFIG', 'SET', 'appendonly', 'no')
    expect((await doctor(at)).bad).toEqual(['warn eviction', 'fail persistence'])
    await redis.ask('CONFIG', 'SET', 'maxmemory', '100mb')
    expect((await doctor(at)).bad).toEqual(['fail store', 'fail eviction', 'fail persistence'])
    await redis.stop()
    expect((await doctor(at, {}, cwd, runCli)).bad).toEqual(['fail store', 'fail settings of the store'])
  })

  test('Postgres: durability, connections, reachability', async () => {
    const postgres = await startPostgres({ fsync: true })
    const at = ['--store-url', postgres.url]
    const well = await doctor(at)
    expect([well.code, well.bad]).toEqual([0, []])
    expect(well.findings.map(({ check }) => check)).toEqual(
      expect.arrayContaining(['store', 'version', 'role', 'synchronous_commit', 'fsync', 'connections', 'clock']),
    )
    const off = `${postgres.url}${postgres.url.includes('?') ? '&' : '?'}options=-csynchronous_commit%3Doff`
    expect((await doctor(['--store-url', off, '--postgres-pool-size', '900'])).bad).toEqual([
      'warn synchronous_commit',
      'warn connections',
    ])
    await postgres.stop()
    expect((await doctor(at, {}, cwd, runCli)).bad).toEqual(['fail store', 'fail settings of the store'])
  })
})
