import { createHmac } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, inject, onTestFinished, test, vi } from 'vitest'
import { startPostgres } from '../test-servers/postgres.js'
import { startRedis } from '../test-servers/redis.js'
import { deliverTwice } from './deliver-twice.js'
import { must, project, serve, tool } from './project.js'

const SECRET = 'whsec_of_a_test_that_is_long_enough'
/** Other bytes than a parser would write. */
const BODY = '{ "order":  "a" }'

const nodes = Object.values(inject('nodes'))

test.each([
  ['Turbopack', '--turbopack'],
  ['webpack', '--webpack'],
])(
  'Next.js built with %s, without configuration, records and replays in SQLite, Redis and Postgres, verifies, and shows errors',
  async (_, bundler) => {
    const [redis, postgres] = await Promise.all([startRedis(), startPostgres()])
    onTestFinished(async () => void (await Promise.all([redis.stop(), postgres.stop()])))
    const env = { REDIS_URL: redis.url, DATABASE_URL: postgres.url, SHOP_SECRET: SECRET }
    const folder = join(project('next'), 'next')
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
    const next = tool('next/dist/bin/next')
    expect(await must(folder, nodes.at(-1)!, [next, 'build', bundler], env)).not.toMatch(/warn/i)
    // Below Node.js 24 the driver of SQLite is a package.
    for (const node of [nodes[0]!, nodes.at(-1)!]) {
      const { url, output } = await serve(folder, [node, next, 'start', '--hostname', '127.0.0.1', '--port', '0'], env)
      for (const path of ['sqlite', 'redis', 'postgres']) await deliverTwice(`${url}/${path}`)

      const signature = createHmac('sha256', SECRET).update(BODY).digest('hex')
      await deliverTwice(`${url}/signed`, { body: BODY, headers: { 'x-signature': signature } })
      expect((await post(`${url}/signed`, { 'x-signature': 'no' }, BODY)).status).toBe(401)
      expect((await post(`${url}/sqlite`, { 'idempotency-key': 'k' }, '{"order":"unknown"}')).status).toBe(500)
      await vi.waitFor(() => expect(output()).toContain('there is no such order'))
    }
  },
)

const post = (url: string, headers: Record<string, string>, body: string): Promise<Response> =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body })
