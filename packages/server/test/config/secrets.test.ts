import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bearer } from 'hookonce/senders/bearer'
import { github } from 'hookonce/senders/github'
import { gitlab } from 'hookonce/senders/gitlab'
import { memoryStore } from 'hookonce/stores/memory'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { secretsOf } from '../../src/config/secrets.js'
import { until } from '../process/support/until.js'
import { closeApps, startApp } from '../support/app.js'
import { runCliHere } from '../support/cli.js'
import { send } from '../support/http.js'
import { runCli, startServer, stopServers, temporaryFolder } from '../support/server.js'
import { sendSigned, signed } from '../support/signed.js'
import { startUpstream } from '../support/upstream.js'

afterEach(closeApps)
afterAll(stopServers)

const HEX = '0123456789abcdef0123456789abcdef'
const BASE64 = 'MFkwEwYHKoZIzj0CAQYIKoZI+zj0DAQcDQg/AE=='
const WHSEC = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const SHOWN = `v1,${WHSEC}`
const UUID = '6a2f41a3-c54c-4ce8-a1d0-92fe4f3ba4b7'

describe('several secrets in one setting', () => {
  const inValue = (text: string) => secretsOf({ where: 'HOOKONCE_SECRET' }, text)
  const inFile = (text: string) => secretsOf({ where: 'HOOKONCE_SECRET_FILE', fromFile: true }, text)

  test.each<[string, string[]]>([
    ['a word', ['a word']],
    [`${WHSEC},${SHOWN}`, [WHSEC, SHOWN]],
    [`${HEX}, ${BASE64},${UUID}`, [HEX, BASE64, UUID]],
    [`${HEX},`, [HEX]],
    [SHOWN, [SHOWN]],
    ['top,secret phrase\nanother', ['top,secret phrase', 'another']],
    ['top,secret phrase\n', ['top,secret phrase']],
    ['old\r\n\r\nnew', ['old', 'new']],
  ])('%j in a value', (text, secrets) => expect(inValue(text)).toEqual(secrets))

  test.each([
    ...['top,secret phrase', 'a,b', ',', 'word,', `${HEX},word`, 'correcthorsebattery,staplecorrecthorse'],
    ...['CorrectHorseBattery1,StapleCorrectHorse2', `v1,word`, `${HEX},v1,word`, 'partner:one,partner:two'],
  ])('%j in a value cannot be told apart', text =>
    expect(() => inValue(text)).toThrow(/HOOKONCE_SECRET: there is a comma/),
  )

  test.each<[string, string[]]>([
    ['top,secret phrase', ['top,secret phrase']],
    ['old\nnew, newer', ['old', 'new, newer']],
    [`${HEX}\n${SHOWN}\n\n`, [HEX, SHOWN]],
    [`${HEX},word`, [`${HEX},word`]],
  ])('%j in a file: each line is one', (text, secrets) => expect(inFile(text)).toEqual(secrets))

  test('a file with several generated secrets on one line does not start', () => {
    for (const text of [`${HEX},${UUID}`, `${HEX}\n${WHSEC},${WHSEC}`]) {
      expect(() => inFile(text)).toThrow(/each has a line of its own/)
    }
  })

  test.each([' padded', 'padded ', '\tpadded', 'one\n two', '\ufeffmarked', ' '])(
    '%j begins or ends with a blank',
    text => {
      for (const read of [inValue, inFile]) expect(() => read(text)).toThrow(/begins or ends with a blank/)
    },
  )

  test('the message contains no part of it', () => {
    for (const text of ['hunter2,and more', ' hunter2']) {
      expect(() => inValue(text)).toThrow(expect.objectContaining({ message: expect.not.stringContaining('hunter2') }))
    }
  })
})

describe('a secret with a comma', () => {
  const whole = 'top,secret phrase'
  const statuses = async (env: Record<string, string>, cwd: string) => {
    const server = await startServer({
      cwd,
      env: { HOOKONCE_STORE_URL: 'memory:', HOOKONCE_SENDER: 'github', ...env },
    })
    const answers = [whole, 'top', 'secret phrase'].map((secret, i) =>
      sendSigned(`${server.url}/webhook`, github({ secrets: [secret] }), { id: `id-${i}`, body: `{"a":${i}}` }),
    )
    const all = (await Promise.all(answers)).map(({ status }) => status)
    server.kill()
    await server.exited
    return all
  }

  test('is one secret in a file, and in a value of several lines', async () => {
    const cwd = temporaryFolder()
    writeFileSync(join(cwd, 'secret'), `${whole}\n`)
    expect(await statuses({ HOOKONCE_SECRET_FILE: 'secret' }, cwd)).toEqual([200, 401, 401])
    expect(await statuses({ HOOKONCE_SECRET: `${whole}\n` }, cwd)).toEqual([200, 401, 401])
  })

  test('in a value of one line does not start, and the message names the alternative', async () => {
    const { code, stderr } = await runCli({ env: { HOOKONCE_SENDER: 'github', HOOKONCE_SECRET: whole } })
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/^hookonce: HOOKONCE_SECRET: .*HOOKONCE_SECRET_FILE.*\n$/),
    ])
    expect(stderr).not.toMatch(/top|phrase/)
  })
})

test('v1,whsec_… is one secret', async () => {
  const server = await startServer({
    env: { HOOKONCE_STORE_URL: 'memory:', HOOKONCE_SENDER: 'standard-webhooks', HOOKONCE_SECRET: SHOWN },
  })
  const { code } = await runCli({
    env: { HOOKONCE_SECRET: WHSEC },
    args: ['send', '--sender', 'standard-webhooks', '--url', `${server.url}/webhook`],
  })
  expect(code).toBe(0)
})

describe('a placeholder instead of a secret does not start', () => {
  test.each<[string, Record<string, string>, RegExp]>([
    [
      'undefined',
      { HOOKONCE_SENDER: 'github', HOOKONCE_SECRET: 'undefined' },
      /^hookonce: HOOKONCE_SECRET: a secret must/,
    ],
    ['one character', { HOOKONCE_SENDER: 'github', HOOKONCE_SECRET: 's' }, /^hookonce: HOOKONCE_SECRET: a secret must/],
    [
      'one of two',
      { HOOKONCE_SENDER: 'github', HOOKONCE_SECRET: 'fine\nnull' },
      /^hookonce: HOOKONCE_SECRET: a secret/,
    ],
    [
      'a verify token of one character',
      { HOOKONCE_SENDER: 'meta', HOOKONCE_SECRET: 'fine', HOOKONCE_VERIFY_TOKEN: 'x' },
      /^hookonce: HOOKONCE_VERIFY_TOKEN: meta: the verify token must/,
    ],
    [
      'a token for operators',
      { HOOKONCE_ADMIN_TOKEN: 'changeme' },
      /^hookonce: HOOKONCE_ADMIN_TOKEN must .*changeme\n$/,
    ],
    ['and for them', { HOOKONCE_ADMIN_TOKEN: 'undefined' }, /^hookonce: HOOKONCE_ADMIN_TOKEN must .*\n$/],
  ])('%s', async (_, env, message) => {
    const { code, stderr } = await runCliHere({ env })
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)])
  })
})

describe('warnings at the start and by doctor', () => {
  const warnings = async (options: Parameters<typeof startServer>[0]) => {
    const server = await startServer(options)
    server.kill()
    await server.exited
    const log = server.stdout() + server.stderr()
    const lines = log
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line))
    const found = await runCliHere({ ...options, args: ['doctor', '--json', ...(options?.args ?? [])] })
    const findings = JSON.parse(found.stdout).filter(({ check }: { check: string }) => check === 'secrets')
    return {
      all: log + found.stdout + found.stderr,
      logged: lines.filter(({ level }) => level === 'warn').map(({ msg }) => msg as string),
      found: findings.map(({ status, message }: Record<string, string>) => `${status} ${message}`) as string[],
    }
  }

  test('none without a reason', async () => {
    const env = { HOOKONCE_STORE_URL: 'memory:', HOOKONCE_SENDER: 'github', HOOKONCE_SECRET: HEX }
    const { logged, found } = await warnings({ env })
    expect([logged, found]).toEqual([[], [expect.stringMatching(/^ok /)]])
  })

  test('secrets on the command line', async () => {
    const args = [
      '--sender=meta',
      '--secret',
      HEX,
      '--verify-token=word-of-mine',
      '--admin-token',
      'token-of-operators',
    ]
    args.push('--store-url=memory:', '--forward-to', 'http://user:password-in-url@127.0.0.1:1/')
    const { logged, found, all } = await warnings({ args })
    for (const flag of ['--secret', '--verify-token', '--admin-token', '--forward-to']) {
      expect(logged).toContainEqual(expect.stringMatching(`^${flag}: .* on the command line`))
      expect(found).toContainEqual(expect.stringMatching(`^warn ${flag}: `))
    }
    expect([logged.length, found.length]).toEqual([4, 4])
    expect(all).not.toMatch(/word-of-mine|token-of-operators|password-in-url/)
    expect(all).not.toContain(HEX)
  })

  test('a store URL with a password on the command line, for every command', async () => {
    for (const [userinfo, isTold] of [
      ['', false],
      ['user:password-in-url@', true],
    ] as const) {
      const { stderr } = await runCli({ args: ['stats', '--store-url', `redis://${userinfo}127.0.0.1:1`] })
      expect(stderr.includes('--store-url: every user'), userinfo).toBe(isTold)
      expect(stderr).not.toContain('password-in-url')
    }
  })

  test('a short secret, and one shared by two sources or with the operators', async () => {
    const cwd = temporaryFolder()
    const github = JSON.stringify(import.meta.resolve('hookonce/senders/github'))
    const stripe = JSON.stringify(import.meta.resolve('hookonce/senders/stripe'))
    writeFileSync(
      join(cwd, 'hookonce.config.mjs'),
      `import { github } from ${github}
       import { stripe } from ${stripe}
       export default { storeUrl: 'memory:', sources: {
         one: { sender: github({ secrets: ['${HEX}'] }) },
         two: { sender: stripe({ secrets: ['of-its-own-and-long', '${HEX}'] }) },
         three: { sender: github({ secrets: ['hunter2'] }) },
       } }`,
    )
    const { logged, found, all } = await warnings({ cwd, env: { HOOKONCE_ADMIN_TOKEN: HEX } })
    const told = [
      /the sources one and two have one secret/,
      /operators' token is a secret of the source one/,
      /operators' token is a secret of the source two/,
    ]
    for (const about of told) {
      expect(logged).toContainEqual(expect.stringMatching(about))
      expect(found).toContainEqual(expect.stringMatching(about))
    }
    expect(logged.filter(msg => /16 bytes/.test(msg))).toEqual([expect.stringContaining('a secret of GitHub')])
    expect(found).toContainEqual(expect.stringMatching(/a secret of the source three has fewer than 16 bytes/))
    expect([logged.length, found.length]).toEqual([4, 4])
    expect(all).not.toContain('hunter2')
    expect(all).not.toContain(HEX)
  })
})

describe('a secret in a header', () => {
  const TOKEN = 'a-token-that-is-sent-along'
  const senders = [
    ['x-gitlab-token', gitlab({ secrets: [TOKEN], scheme: 'secret-token' })],
    ['authorization', bearer({ tokens: [TOKEN] })],
  ] as const

  test.each(senders)('is accepted in a delivery, in %s', async (header, sender) => {
    const upstream = await startUpstream()
    const handle = { kind: 'forward', url: upstream.url, timeoutSeconds: undefined } as const
    const { url } = await startApp({ sources: { lab: { sender, handle } } })
    expect((await sendSigned(`${url}/hooks/lab`, sender)).status).toBe(200)
    upstream.close()
    expect(upstream.calls[0]!.headers[header]).toContain(TOKEN)
  })

  test.each(senders)('is not stored, not shown and not forwarded by an inbox, in %s', async (header, sender) => {
    const upstream = await startUpstream()
    const handle = { kind: 'forward', url: upstream.url, timeoutSeconds: undefined } as const
    const { url, receiver } = await startApp({ sources: { lab: { sender, handle, mode: 'inbox' } } })
    const sent = signed(sender, { headers: { 'x-other': 'kept' } })
    expect((await send(`${url}/hooks/lab`, sent)).status).toBe(202)
    await until('it is forwarded', async () => upstream.calls.length === 1)
    upstream.close()
    expect(upstream.calls[0]!.headers).toMatchObject({ 'x-other': 'kept' })
    expect(JSON.stringify(upstream.calls[0]!.headers)).not.toContain(TOKEN)
    const record = await receiver.record('lab', 'id-1')
    expect(record!.delivery!.header('x-other')).toBe('kept')
    expect(record!.delivery!.header(header)).toBeUndefined()
    for (const path of [
      '/api/record?key=id-1&source=lab',
      '/webhook/idempotency/id-1?source=lab',
      '/webhook/events?source=lab&bodies=true',
    ]) {
      const { text } = await send(url + path, { method: 'GET' })
      expect(text).toContain('x-other')
      expect(text).not.toContain(TOKEN)
    }
  })
})

describe('the folder of the records', () => {
  const started = async (cwd: string) => {
    const server = await startServer({ cwd })
    server.kill()
    await server.exited
    return server.stdout()
  }

  test('is readable by its owner only', async () => {
    const cwd = temporaryFolder()
    mkdirSync(join(cwd, 'data'), { mode: 0o755 })
    expect(await started(cwd)).not.toContain('"level":"warn"')
    expect(statSync(join(cwd, 'data')).mode & 0o777).toBe(0o700)
  })

  test('causes a warning if it has other files and other users can write it', async () => {
    const cwd = temporaryFolder()
    mkdirSync(join(cwd, 'data'))
    chmodSync(join(cwd, 'data'), 0o777)
    writeFileSync(join(cwd, 'data/report.txt'), '')
    expect(await started(cwd)).toMatch(
      /"fix":"chmod go-w [^"]*data","msg":"other users can replace the file of the records"/,
    )
    expect(statSync(join(cwd, 'data')).mode & 0o777).toBe(0o777)
  })
})

test('secret headers of older records are not shown', async () => {
  const store = memoryStore()
  const token = 'a-token-that-is-sent-along'
  const lab = gitlab({ secrets: [token], scheme: 'secret-token' })
  const before = await startApp({ store, sources: { lab: { sender: { ...lab, secretHeaders: [] }, mode: 'inbox' } } })
  expect((await sendSigned(`${before.url}/hooks/lab`, lab)).status).toBe(202)
  const { url } = await startApp({ store, sources: { lab: { sender: lab, mode: 'inbox' } } })
  const { text } = await send(`${url}/webhook/events?source=lab&bodies=true`, { method: 'GET' })
  expect(text).toContain('"x-gitlab-token":"[redacted]"')
  expect(text).not.toContain(token)
})
