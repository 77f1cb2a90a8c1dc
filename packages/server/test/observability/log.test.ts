import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { until } from '../process/support/until.js'
import { send } from '../support/http.js'
import { runCli, startServer, stopServers, temporaryFolder } from '../support/server.js'

afterAll(stopServers)

const TOKEN = 'token-that-nobody-may-see'

/** Every kind of delivery once, good and bad. */
async function exercise(level: string): Promise<string> {
  const cwd = temporaryFolder()
  writeFileSync(
    join(cwd, 'hookonce.config.mjs'),
    `export default { sources: { json: { handle: d => Response.json(d.json()) }, fails: { handle: () => { throw new Error('why') } } } }`,
  )
  const server = await startServer({
    cwd,
    env: {
      HOOKONCE_STORE_URL: 'memory:',
      HOOKONCE_ADMIN_TOKEN: TOKEN,
      HOOKONCE_FORWARD_TO: 'http://user:password-in-url@127.0.0.1:1/',
      LOG_LEVEL: level,
    },
  })
  const headers = { 'X-Idempotency-Key': 'key-of-a-sender', Authorization: 'Bearer header-secret' }
  for (const path of ['/webhook', '/hooks/json', '/hooks/fails', '/webhook/no-idempotency']) {
    await send(server.url + path, { headers, body: 'body-of-a-sender' })
    await send(server.url + path, { headers, body: '{"body-of-a-sender":1}' })
  }
  await send(`${server.url}/webhook/idempotency/key-of-a-sender`, {
    method: 'GET',
    headers: { authorization: `Bearer ${TOKEN}` },
  })
  server.kill()
  await server.exited
  return server.stdout() + server.stderr()
}

test('at info the log has failures, and no body, key or secret', async () => {
  const log = await exercise('info')
  for (const line of log.trim().split('\n')) expect(() => JSON.parse(line)).not.toThrow()
  expect(log).toContain('"reason":"ECONNREFUSED 127.0.0.1:1"')
  expect(log).toContain('handler threw')
  expect(log).toContain('"message":"why"')
  expect(log).not.toMatch(/body-of-a|key-of-a|header-secret|password-in-url/)
  expect(log).not.toContain(TOKEN)
})

test('at debug it has keys, still no body and no secret', async () => {
  const log = await exercise('debug')
  expect(log).toContain('key-of-a-sender')
  expect(log).not.toMatch(/body-of-a|header-secret|password-in-url/)
  expect(log).not.toContain(TOKEN)
})

/** CSI in C1, an override of direction, a line separator, DEL; and letters that are none of these. */
const EVIL = '\u009b31m\u202egro\u2028\u007f\u2066é注🔑'
const ESCAPED = '\\u009b31m\\u202egro\\u2028\\u007f\\u2066é注🔑'
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const DANGEROUS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/

test('nothing that is logged or printed moves a terminal’s cursor or turns its lines', async () => {
  const cwd = temporaryFolder()
  writeFileSync(
    join(cwd, 'hookonce.config.mjs'),
    `export default { sources: { fails: { mode: 'inbox', retryDelaysSeconds: [], handle: () => { throw new Error(${JSON.stringify(EVIL)}) } } } }`,
  )
  const server = await startServer({ cwd })
  await send(`${server.url}/hooks/fails`, { headers: { 'X-Idempotency-Key': 'k' }, body: EVIL })
  await until('it is dead', async () => server.stdout().includes('delivery died'))
  const cli = async (...args: string[]) => (await runCli({ cwd, args })).stdout
  const shown = [
    await cli('records', 'list'),
    await cli('records', 'show', 'k', '--source', 'fails'),
    await cli('records', 'list', '--json'),
    await cli('records', 'show', 'k', '--source', 'fails', '--json'),
  ]
  const { stderr } = await runCli({ args: [`--${EVIL}`] })
  server.kill()
  await server.exited
  for (const text of [server.stdout(), ...shown]) {
    expect(text).toContain('é注🔑')
    expect(text).not.toMatch(DANGEROUS)
  }
  expect(stderr).toContain('é注🔑 is not an option')
  expect(stderr).not.toMatch(DANGEROUS)
  expect(server.stdout()).toContain(ESCAPED)
  const line = server
    .stdout()
    .split('\n')
    .find(each => each.includes('handler threw'))!
  expect(JSON.parse(line).err.message).toBe(EVIL)
  expect(JSON.parse(shown[3]!).delivery.body).toBe(EVIL)
})
