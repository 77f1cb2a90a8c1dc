import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { freePort } from '../test-servers/free-port.js'
import { startPostgres } from '../test-servers/postgres.js'
import { startRedisProcess } from '../test-servers/redis.js'
import { must } from './command.js'
import { type ComposeFile, readComposeFile } from './compose-file.js'
import { type Container, type ContainerOptions, startContainer } from './container.js'
import { type Engine, openEngine } from './engine.js'
import { walk } from './walk.js'

const IMAGE = 'hookonce-check'

const say = (line: string) => void process.stderr.write(`${line}\n`)

let engine: Engine
let composeFile: ComposeFile
const cleanUp: (() => unknown)[] = []

beforeAll(async () => {
  composeFile = await readComposeFile(['postgres'])
  engine = await openEngine()
  say(`engine: ${engine.about}`)
  await engine.build(IMAGE)
})

afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task()
})

afterAll(() => engine?.close())

async function start(options: Omit<ContainerOptions, 'service'>): Promise<Container> {
  const container = await startContainer(engine, IMAGE, { ...options, service: composeFile.services.hookonce! })
  cleanUp.push(() => container.remove())
  return container
}

/** With the command that the compose file has, where this test can reach it. */
async function startComposedRedis() {
  const folder = mkdtempSync(join(tmpdir(), 'hookonce-redis-'))
  cleanUp.push(() => rmSync(folder, { recursive: true }))
  const port = await freePort()
  const [server, ...args] = composeFile.services.redis!.command!
  expect(server).toBe('redis-server')
  const redis = await startRedisProcess([...args, '--bind', '127.0.0.1', '--port', String(port), '--dir', folder], port)
  cleanUp.push(() => redis.end('SIGTERM'))
  return redis
}

/** An application that keeps every delivery waiting. */
async function startApplication() {
  const waiting: ServerResponse[] = []
  const server = createServer((request, response) => {
    request.resume().once('end', () => waiting.push(response))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  cleanUp.push(() => server.closeAllConnections())
  cleanUp.push(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, waiting }
}

function deliver(url: string): Promise<Response> {
  return fetch(`${url}/webhook`, { method: 'POST', headers: { 'x-idempotency-key': 'k' }, body: '{}' })
}

test('the compose file is valid with and without its profile, which holds Postgres', async () => {
  const byDefault = Object.entries((await readComposeFile([])).services).filter(([, { profiles }]) => !profiles?.length)
  expect(byDefault.map(([name]) => name).sort()).toEqual(['hookonce', 'redis'])
  const inProfile = Object.entries(composeFile.services).filter(([, { profiles }]) => profiles?.includes('postgres'))
  expect(inProfile.map(([name]) => name).sort()).toEqual(['hookonce-postgres', 'postgres'])
})

test('the compose file hands on every setting there is, from the shell', async () => {
  const help = await must([...engine.command, 'run', '--rm', IMAGE, '--help'], { env: engine.env })
  // Where it listens is the container's own; where its records are is the service's.
  const names = new Set(help.match(/\b(HOOKONCE_[A-Z_]+|LOG_[A-Z]+)\b/g))
  for (const name of names) if (name.endsWith('_FILE')) names.delete(name)
  names.delete('HOOKONCE_STORE_URL')
  const given = Object.fromEntries([...names].map(name => [name, `${name} as given`]))
  const { services } = await readComposeFile(['postgres'], given)
  for (const name of ['hookonce', 'hookonce-postgres']) {
    const { HOOKONCE_STORE_URL, ...settings } = services[name]!.environment!
    expect(settings).toEqual(given)
    expect(HOOKONCE_STORE_URL).toMatch(/^(redis|postgres):/)
  }
})

test('it waits for its end longer than it drains', async () => {
  const help = await must([...engine.command, 'run', '--rm', IMAGE, '--help'], { env: engine.env })
  const drainSeconds = Number(/HOOKONCE_DRAIN_SECONDS[\s\S]*?default:? (\d+)/.exec(help)?.[1])
  expect(drainSeconds).toBeGreaterThan(0)
  for (const name of ['hookonce', 'hookonce-postgres']) {
    expect(Number.parseInt(composeFile.services[name]!.stop_grace_period!, 10)).toBeGreaterThan(drainSeconds)
  }
})

test('it runs as an unprivileged user who can write nothing but the data', async () => {
  const container = await start({})
  expect((await container.exec('id', '--user')).stdout.trim()).toBe('1000')
  const { stdout: status } = await container.exec('cat', '/proc/1/status')
  expect(status).toMatch(/^CapEff:\t0+$/m)
  expect(status).toMatch(/^NoNewPrivs:\t1$/m)
  for (const path of ['/file', '/app/file', '/tmp/file', '/home/node/file']) {
    expect((await container.exec('touch', path)).stderr).toContain('Read-only file system')
  }
  expect((await container.exec('touch', '/data/file')).code).toBe(0)
})

test('the code belongs to root', async () => {
  const command = [...engine.command, 'run', '--rm', '--entrypoint', 'find', IMAGE, '/app', '!', '-user', 'root']
  expect(await must(command, { env: engine.env })).toBe('')
})

test('on Redis, as the compose file starts it, it does what the README says', async () => {
  const redis = await startComposedRedis()
  const container = await start({
    env: { HOOKONCE_STORE_URL: `redis://127.0.0.1:${redis.port}`, HOOKONCE_OPERATOR_ACCESS: 'open' },
  })
  await walk(container.url)
  expect(await redis.ask('DBSIZE')).toMatch(/^:[1-9]/)
  expect(await redis.ask('CONFIG', 'GET', 'appendfsync')).toContain('always')
  expect(await container.logs()).not.toMatch(/"level":"(warn|error|fatal)"/)
})

test('on Postgres it does what the README says', async () => {
  const postgres = await startPostgres()
  cleanUp.push(() => postgres.stop())
  const container = await start({ env: { HOOKONCE_STORE_URL: postgres.url, HOOKONCE_OPERATOR_ACCESS: 'open' } })
  await walk(container.url)
  expect(await container.logs()).not.toMatch(/"level":"(warn|error|fatal)"/)
})

test('by itself it keeps its records in the volume, and another container finds them there', async () => {
  const volume = 'hookonce-check'
  cleanUp.push(() => must([...engine.command, 'volume', 'rm', volume], { env: engine.env }))
  const env = { HOOKONCE_OPERATOR_ACCESS: 'open' }
  const first = await start({ volume, env })
  await walk(first.url)
  const answer = await deliver(first.url)
  await first.signal('SIGTERM')
  expect(await first.ended()).toBe(0)

  const second = await start({ volume, env })
  const duplicate = await deliver(second.url)
  expect(duplicate.headers.get('x-cached')).toBe('true')
  expect(await duplicate.text()).toBe(await answer.text())
})

test('on SIGTERM running attempts finish, and it exits with 0', async () => {
  const application = await startApplication()
  const container = await start({ env: { HOOKONCE_FORWARD_TO: application.url } })
  const answer = deliver(container.url)
  await expect.poll(() => application.waiting.length).toBe(1)
  await container.signal('SIGTERM')
  await expect.poll(() => container.logs()).toContain('shutting down')
  application.waiting[0]!.end('done')
  expect(await (await answer).text()).toBe('done')
  expect(await container.ended()).toBe(0)
  expect(await container.logs()).toContain('"msg":"stopped"')
})

test('a second SIGTERM, more than a second after the first, ends it at once', async () => {
  const application = await startApplication()
  const container = await start({ env: { HOOKONCE_FORWARD_TO: application.url } })
  const answer = deliver(container.url).catch((error: Error) => error)
  await expect.poll(() => application.waiting.length).toBe(1)
  await container.signal('SIGTERM')
  await expect.poll(() => container.logs()).toContain('shutting down')
  const drainsSince = performance.now()
  await expect.poll(() => performance.now() - drainsSince).toBeGreaterThan(1_100)
  await container.signal('SIGTERM')
  expect(await container.ended()).toBe(143)
  expect(await answer).toBeInstanceOf(Error)
})

test('its size', async () => {
  const command = [...engine.command, 'image', 'inspect', '--format', '{{.Size}} {{json .RootFS.Layers}}', IMAGE]
  const [bytes] = (await must(command, { env: engine.env })).split(' ')
  const app = await must([...engine.command, 'run', '--rm', '--entrypoint', 'du', IMAGE, '-sm', '/app'], {
    env: engine.env,
  })
  const [total, own] = [Math.round(Number(bytes) / 1e6), Number.parseInt(app, 10)]
  say(`size: ${total} MB unpacked, of which ${own} MB are Hookonce and what it depends on`)
  // With the packages of development it is 300.
  expect(own).toBeLessThan(45)
})
