import { expect, test } from 'vitest'
import { send } from '../support/http.js'
import { deliver } from './support/delivering.js'
import { Herd, type RawAnswer } from './support/herd.js'
import { residentMiB } from './support/memory.js'
import { newStoreFile, type ServerProcess, startServer } from './support/server.js'
import { startUpstream } from './support/upstream.js'
import { until } from './support/waiting.js'

const settings = (upstream: { url: string }, file = newStoreFile()) => ({
  HOOKONCE_STORE_URL: `sqlite:${file}`,
  HOOKONCE_FORWARD_TO: upstream.url,
})

const replays = (answers: RawAnswer[]) => answers.filter(({ headers }) => headers.get('x-cached') === 'true')

function expectOneResult(answers: RawAnswer[], result: Buffer): void {
  for (const { status, body } of answers) {
    expect(status).toBe(200)
    expect(body.equals(result)).toBe(true)
  }
}

test('of 1,000 deliveries at once one calls the upstream, and all are answered alike', async () => {
  const upstream = await startUpstream({ takes: () => 500 })
  const server = await startServer(settings(upstream))
  const herd = new Herd()
  await herd.gather(server.url, () => 'k', 1_000)
  await herd.charge()
  const answers = await herd.answers()

  expect(upstream.calls).toHaveLength(1)
  expect(answers).toHaveLength(1_000)
  expectOneResult(answers, upstream.calls[0]!.result)
  expect(replays(answers)).toHaveLength(999)
})

test('two processes on one file call the upstream once for 1,000 deliveries', async () => {
  const upstream = await startUpstream({ takes: () => 500 })
  const file = newStoreFile()
  const servers = await Promise.all([startServer(settings(upstream, file)), startServer(settings(upstream, file))])
  const herd = new Herd()
  await Promise.all(servers.map(({ url }) => herd.gather(url, () => 'k', 500)))
  await herd.charge()
  const answers = await herd.answers()

  expect(upstream.calls).toHaveLength(1)
  expect(answers).toHaveLength(1_000)
  expectOneResult(answers, upstream.calls[0]!.result)
  expect(replays(answers)).toHaveLength(999)
})

/** A server that has deliveries to read answers other requests late. */
async function hasCaughtUp(server: ServerProcess): Promise<boolean> {
  for (let round = 0; round < 3; round++) {
    const askedAt = performance.now()
    await send(`${server.url}/health`, { method: 'GET' })
    if (performance.now() - askedAt > 100) return false
  }
  return true
}

/** Ordinary deliveries, each of a key of its own. */
async function deliverAll(server: ServerProcess, count: number): Promise<void> {
  let next = 0
  const sender = async () => {
    while (next < count) expect((await deliver(server, `warm-${next++}`)).status).toBe(200)
  }
  await Promise.all(Array.from({ length: 64 }, sender))
}

test('10,000 deliveries at once are one call and leave no memory behind', { timeout: 120_000 }, async () => {
  const upstream = await startUpstream({ takes: ({ key }) => (key === 'k' ? 'held' : 0) })
  const server = await startServer(settings(upstream))
  const herd = new Herd()

  await deliverAll(server, 10_000)
  const warm = residentMiB(server.pid)

  await herd.gather(server.url, () => 'k', 10_000)
  await herd.charge()
  await until('the server has taken in every delivery', () => hasCaughtUp(server))
  const peak = residentMiB(server.pid)
  upstream.callsOf('k')[0]!.answer()
  const answers = await herd.answers()
  herd.disperse()

  const calls = upstream.callsOf('k')
  expect(calls).toHaveLength(1)
  const results = answers.filter(({ status }) => status !== 409)
  expectOneResult(results, calls[0]!.result)
  expect(results.length).toBeGreaterThan(0)
  expect(replays(answers)).toHaveLength(results.length - 1)

  const rss: number[] = []
  const settled = () => rss.push(residentMiB(server.pid)) && rss.at(-1)! <= 1.2 * warm
  await until(`the memory is back to 1.2 × ${warm} MiB`, settled, 30_000).finally(() =>
    console.log({ answered200: results.length, warm, peak, rss: [rss[0], rss.at(-1)], polls: rss.length }),
  )
})
