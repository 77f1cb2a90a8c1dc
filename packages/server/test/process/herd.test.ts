import { expect, test } from 'vitest'
import { send } from '../support/http.js'
import { deliver } from './support/deliver.js'
import { HERD_EVENT, Herd, type RawAnswer } from './support/herd.js'
import { residentMiB, settledMiB } from './support/memory.js'
import { newStoreFile, type ServerProcess, startServer } from './support/server.js'
import { until } from './support/until.js'
import { startUpstream } from './support/upstream.js'

const settings = (upstream: { url: string }, file = newStoreFile()) => ({
  HOOKONCE_STORE_URL: `sqlite:${file}`,
  HOOKONCE_FORWARD_TO: upstream.url,
})

const replays = (answers: RawAnswer[]) => answers.filter(({ headers }) => headers.get('x-cached') === 'true')

/** A process that is too far behind refuses some: which, depends on what else the machine does. */
const isResult = ({ status, headers }: RawAnswer) => status !== 409 && !(status === 503 && headers.has('retry-after'))

function expectOneResult(answers: RawAnswer[], result: Buffer): void {
  for (const { status, body } of answers) {
    expect(status).toBe(200)
    expect(body.equals(result)).toBe(true)
  }
}

async function stampede(server: ServerProcess, key: string, count: number, meanwhile?: () => Promise<void>) {
  const herd = new Herd()
  await herd.gather(server.url, key, count)
  await herd.charge()
  await meanwhile?.()
  const answers = await herd.answers()
  herd.disperse()
  return answers
}

/** A server that has deliveries to read answers other requests late. */
async function hasCaughtUp(server: ServerProcess): Promise<boolean> {
  for (let round = 0; round < 3; round++) {
    const askedAt = performance.now()
    await send(`${server.url}/health`, { method: 'GET' })
    if (performance.now() - askedAt > 100) return false
  }
  return true
}

test('10,000 duplicates at once are one call, and their memory is returned', { timeout: 240_000 }, async () => {
  const upstream = await startUpstream({ takes: ({ key }) => (key === 'k' ? 'held' : 0) })
  const server = await startServer(settings(upstream))

  await deliver(server, 'ordinary', HERD_EVENT)
  const ordinary = (await stampede(server, 'ordinary', 10_000)).filter(isResult)
  expect(ordinary.length).toBeGreaterThan(0)
  expect(replays(ordinary)).toHaveLength(ordinary.length)
  const warm = await settledMiB(server)

  const answers = await stampede(server, 'k', 10_000, async () => {
    await until('the server has taken in every delivery', () => hasCaughtUp(server), 60_000)
    upstream.callsOf('k')[0]!.answer()
  })
  const calls = upstream.callsOf('k')
  expect(calls).toHaveLength(1)
  const results = answers.filter(isResult)
  expectOneResult(results, calls[0]!.result)
  expect(results.length).toBeGreaterThan(0)
  expect(replays(answers)).toHaveLength(results.length - 1)

  // What V8 keeps of a herd differs by half from run to run; ten thousand deliveries that stayed would be more.
  const limit = 1.75 * warm
  await until(`no more than ${limit} MiB are in use`, () => residentMiB(server) <= limit, 30_000)
  console.log(`${results.length} of 10,000 answered 200; MiB before: ${warm}, after: ${residentMiB(server)}`)
})
