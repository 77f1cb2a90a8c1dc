import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { send } from './support/http.js'
import { startServer, stopServers, temporaryFolder } from './support/server.js'

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

test('at info the log says what failed, and holds no body, no key, no secret', async () => {
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
