import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, inject, onTestFinished, test } from 'vitest'
import { startPostgres } from '../test-servers/postgres.js'
import { startRedis } from '../test-servers/redis.js'
import { deliverTwice } from './deliver-twice.js'
import { must, project, serve, tool } from './project.js'

const nodes = Object.values(inject('nodes'))

test.each([
  ['Turbopack', '--turbopack'],
  ['webpack', '--webpack'],
])(
  'Next.js built with %s, without configuration, records and replays in SQLite, Redis and Postgres',
  async (_, bundler) => {
    const [redis, postgres] = await Promise.all([startRedis(), startPostgres()])
    onTestFinished(async () => void (await Promise.all([redis.stop(), postgres.stop()])))
    const env = { REDIS_URL: redis.url, DATABASE_URL: postgres.url }
    const folder = join(project('next'), 'next')
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
    const next = tool('next/dist/bin/next')
    expect(await must(folder, nodes.at(-1)!, [next, 'build', bundler], env)).not.toMatch(/warn/i)
    // Below Node.js 24 the driver of SQLite is a package.
    for (const node of [nodes[0]!, nodes.at(-1)!]) {
      const { url } = await serve(folder, [node, next, 'start', '--hostname', '127.0.0.1', '--port', '0'], env)
      for (const path of ['sqlite', 'redis', 'postgres']) await deliverTwice(`${url}/${path}`)
    }
  },
)
