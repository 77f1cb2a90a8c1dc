import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { send } from '../../support/http.js'
import { runCli, startServer, stopServers, temporaryFolder } from '../../support/server.js'

afterAll(stopServers)

/** With something to protect and no token. */
const PROTECTS = { HOOKONCE_FORWARD_TO: 'http://127.0.0.1:1', HOOKONCE_OPERATOR_ACCESS: 'token' }

const tokenIn = (folder: string) => readFileSync(join(folder, 'data/operator-token'), 'utf8').trim()

const records = (url: string, token?: string, headers: Record<string, string> = {}) =>
  send(`${url}/api/records`, {
    method: 'GET',
    headers: { ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
  })

test('a token file is created once with mode 600; the log names it and does not show the token', async () => {
  const cwd = temporaryFolder()
  const first = await startServer({ cwd, env: PROTECTS })
  const token = tokenIn(cwd)
  const path = join(cwd, 'data/operator-token')
  expect(token).toMatch(/^[\w-]{43}$/)
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(first.stdout()).toContain(`"operatorToken":"${path}"`)
  expect(first.stdout() + first.stderr()).not.toContain(token)
  expect((await records(first.url)).status).toBe(401)
  expect((await records(first.url, token)).status).toBe(200)
  expect((await records(first.url, token, { host: 'hooks.example.com', 'x-forwarded-for': '10.0.0.1' })).status).toBe(
    200,
  )

  const second = await startServer({ cwd, env: PROTECTS })
  expect(tokenIn(cwd)).toBe(token)
  expect((await records(second.url, token)).status).toBe(200)
  expect(readdirSync(join(cwd, 'data')).filter(name => name.startsWith('operator-token'))).toEqual(['operator-token'])
})

test('processes that start at once in one folder share one token', async () => {
  const cwd = temporaryFolder()
  const servers = await Promise.all(Array.from({ length: 4 }, () => startServer({ cwd, env: PROTECTS })))
  const token = tokenIn(cwd)
  for (const { url } of servers) expect((await records(url, token)).status).toBe(200)
})

describe('an invalid token file stops the start with one line', () => {
  const started = async (prepare: (path: string) => void) => {
    const cwd = temporaryFolder()
    mkdirSync(join(cwd, 'data'), { mode: 0o700 })
    prepare(join(cwd, 'data/operator-token'))
    const { code, stderr } = await runCli({ cwd, env: { ...PROTECTS, PORT: '0' } })
    return [code, stderr.replaceAll(cwd, '')]
  }
  const [GOOD, PATH] = ['a-token-of-somebody', '/data/operator-token']

  test.each<[what: string, line: string, prepare: (path: string) => void]>([
    [
      'empty',
      `${PATH} holds no token; delete it, and a new one is made`,
      path => writeFileSync(path, '', { mode: 0o600 }),
    ],
    [
      'too short',
      `${PATH} holds no token; delete it, and a new one is made`,
      path => writeFileSync(path, 'short', { mode: 0o600 }),
    ],
    [
      'open to others',
      `other users can get at ${PATH} (mode 644): chmod 600 ${PATH}`,
      path => {
        writeFileSync(path, GOOD)
        chmodSync(path, 0o644)
      },
    ],
    [
      'a link',
      `${PATH} cannot be used (ELOOP); mend that, or set HOOKONCE_ADMIN_TOKEN`,
      path => symlinkSync('/etc/hostname', path),
    ],
    [
      'a folder',
      `${PATH} cannot be used (EISDIR); mend that, or set HOOKONCE_ADMIN_TOKEN`,
      path => mkdirSync(path, { mode: 0o700 }),
    ],
  ])('%s', async (_, line, prepare) => {
    expect(await started(prepare)).toEqual([1, `hookonce: ${line}\n`])
  })
})
