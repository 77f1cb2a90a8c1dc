import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { send } from '../../support/http.js'
import { deliver, isReplay, recordedBody, recordOf } from '../support/deliver.js'
import { type Random, randomFrom } from '../support/random.js'
import { ServerProcess, type Settings, startServer, temporaryFolder } from '../support/server.js'
import type { SharedStore } from '../support/stores.js'
import { until } from '../support/until.js'
import { startUpstream, type Upstream } from '../support/upstream.js'

const KILLS = Number(process.env.HOOKONCE_TEST_KILLS ?? 4)
const SEED = Number(process.env.HOOKONCE_TEST_SEED ?? Date.now() % 1_000_000)

const settings = (upstream: { url: string }, store: Settings) => ({
  ...store,
  HOOKONCE_MODE: 'inbox',
  HOOKONCE_FORWARD_TO: upstream.url,
  HOOKONCE_LEASE_SECONDS: 1.5,
  HOOKONCE_STORE_TIMEOUT_SECONDS: 0.4,
})

const receiving = (upstream: { url: string }, store: Settings) => ({
  ...settings(upstream, store),
  HOOKONCE_INBOX_CONCURRENCY: 0,
})

const startWorker = (given: Settings) => startServer(given, { args: ['work'] })

const completed = async (server: { url: string }, key: string) => {
  const record = await recordOf(server, key)
  return record?.state === 'completed' && record
}

/** Receivers and workers, each killed and started again in a rhythm of its own; the last ones stay. */
async function killAll(random: Random, make: (() => ServerProcess)[], going: { now: (ServerProcess | undefined)[] }) {
  let kills = 0
  await Promise.all(
    make.map(async (start, slot) => {
      for (;;) {
        const server = await start().listening
        going.now[slot] = server
        if (kills >= KILLS) return
        await sleep(random.between(50, 700))
        if (kills++ >= KILLS) return
        going.now[slot] = undefined
        await server.kill()
      }
    }),
  )
}

/** What was called of a key follows one attempt after the other, and one of them made the result. */
function isExplained(upstream: Upstream, key: string, result: Buffer): void {
  const calls = upstream.callsOf(key)
  expect(
    calls.some(call => call.answered && call.result.equals(result)),
    key,
  ).toBe(true)
  for (const [index, call] of calls.entries()) {
    const next = calls[index + 1]
    if (next === undefined) continue
    expect(next.attempt, key).toBeGreaterThan(call.attempt)
    expect(next.fencingToken > call.fencingToken, key).toBe(true)
  }
}

/** Deliveries that are accepted by some processes and worked on by others. */
export function inboxCases(store: SharedStore): void {
  test('what one process accepted another works on, and a duplicate anywhere is answered alike', async () => {
    const upstream = await startUpstream()
    const shared = store.fresh()
    const [one, other] = await Promise.all([
      startServer(receiving(upstream, shared)),
      startServer(receiving(upstream, shared)),
    ])
    const first = await deliver(one, 'k')
    expect(first.status).toBe(202)
    expect((await recordOf(other, 'k'))?.state).toBe('pending')
    await startWorker(settings(upstream, shared))
    const record = await until('it is worked on', () => completed(other, 'k'))
    expect(recordedBody(record)).toEqual(upstream.calls[0]!.result)
    const again = await deliver(other, 'k')
    expect([again.status, isReplay(again), again.body]).toEqual([202, true, first.body])
    expect(upstream.calls).toHaveLength(1)
  })

  test('a worker that is killed loses nothing: another takes over after one lease', async () => {
    const upstream = await startUpstream({ takes: ({ attempt }) => (attempt === 1 ? 'held' : 0) })
    const shared = store.fresh()
    const server = await startServer(receiving(upstream, shared))
    const worker = await startWorker(settings(upstream, shared))
    await deliver(server, 'k')
    await until('it is worked on', () => upstream.calls.length === 1)
    await worker.kill()
    await startWorker(settings(upstream, shared))
    const record = await until('it is done', () => completed(server, 'k'))
    expect(record.attempts).toBe(2)
    expect(recordedBody(record)).toEqual(upstream.calls[1]!.result)
  })

  test('a worker told to stop finishes what it works on, and takes nothing more', async () => {
    const upstream = await startUpstream({ takes: ({ key }) => (key === 'k' ? 'held' : 0) })
    const shared = store.fresh()
    const server = await startServer(receiving(upstream, shared))
    const worker = await startWorker(settings(upstream, shared))
    await deliver(server, 'k')
    await until('it is worked on', () => upstream.calls.length === 1)
    worker.signal('SIGTERM')
    await until('it shuts down', () => worker.logged('shutting down').length === 1)
    await deliver(server, 'late')
    upstream.calls[0]!.answer()
    expect(await worker.exited).toBe(0)
    expect((await recordOf(server, 'k'))?.state).toBe('completed')
    expect((await recordOf(server, 'late'))?.state).toBe('pending')
  })

  test('an application that is down for longer than any sender would wait gets everything when it is back', async () => {
    const down = await startUpstream()
    const port = Number(new URL(down.url).port)
    down.close()
    const shared = store.fresh()
    const gone = { url: `http://127.0.0.1:${port}` }
    const server = await startServer({
      ...settings(gone, shared),
      HOOKONCE_LEASE_SECONDS: 6,
      HOOKONCE_STORE_TIMEOUT_SECONDS: 2,
      HOOKONCE_INBOX_CONCURRENCY: 5,
    })
    const keys = Array.from({ length: 60 }, (_, i) => `k${i}`)
    for (const key of keys) expect((await deliver(server, key)).status).toBe(202)
    await until('the application is taken for down', () => server.logged('attempt given back').length >= 5)
    await sleep(1_500)
    const failures = server.logged('attempt given back').length
    // Probed, not hammered: five at once, those beside them, and a probe after pauses that grow.
    expect(failures).toBeLessThan(20)

    let atOnce = 0
    let most = 0
    const upstream = await startUpstream({
      port,
      takes: call => {
        most = Math.max(most, ++atOnce)
        setTimeout(() => {
          atOnce--
          call.answer()
        }, 20)
        return 'held'
      },
    })
    await until(
      'all is worked on',
      async () => {
        const { json } = await send(`${server.url}/webhook/events?state=completed&limit=500`, { method: 'GET' })
        return json.events.length >= keys.length - failures
      },
      30_000,
    )
    expect(most).toBeLessThanOrEqual(5)
    expect(new Set(upstream.calls.map(({ key }) => key)).size).toBe(upstream.calls.length)
  })

  test(`receivers and workers killed ${KILLS} times at random (seed ${SEED}): what was acknowledged is done, once`, async () => {
    const random = randomFrom(SEED)
    const failing = new Set<string>()
    const upstream = await startUpstream({
      takes: () => random.between(0, 40),
      fails: ({ key }) => failing.delete(key),
    })
    const shared = store.fresh()
    const config = join(temporaryFolder(), 'hookonce.config.mjs')
    writeFileSync(config, 'export default { sources: { default: { retryDelaysSeconds: Array(20).fill(0.05) } } }')
    const args = ['--config', config]
    const make = [
      ...Array.from({ length: 2 }, () => () => new ServerProcess(receiving(upstream, shared), { args })),
      ...Array.from(
        { length: 2 },
        () => () => new ServerProcess(settings(upstream, shared), { args: ['work', ...args] }),
      ),
    ]
    const going = { now: [] as (ServerProcess | undefined)[] }
    const acknowledged: string[] = []
    let over = false
    const sender = async (name: number) => {
      for (let number = 0; !over; number++) {
        const key = `${name}-${number}`
        if (random.chance(0.1)) failing.add(key)
        await until(`${key} is acknowledged`, async () => {
          const server = random.pick(going.now.slice(0, 2).filter(found => found !== undefined))
          if (server === undefined) return false
          // Some deliveries come twice at once.
          const copies = random.chance(0.2) ? 2 : 1
          const answers = await Promise.all(
            Array.from({ length: copies }, () => deliver(server, key).catch(() => undefined)),
          )
          return answers.some(answer => answer?.status === 202)
        })
        acknowledged.push(key)
        await sleep(random.between(0, 20))
      }
    }
    const senders = Promise.all(Array.from({ length: 6 }, (_, name) => sender(name)))
    await killAll(random, make, going)
    over = true
    await senders

    const server = going.now[0]!
    for (const key of acknowledged) {
      const record = await until(`${key} is done`, () => completed(server, key), 60_000)
      isExplained(upstream, key, recordedBody(record))
    }
    const again = acknowledged.slice(-20)
    const calls = upstream.calls.length
    for (const key of again) expect((await deliver(server, key)).status).toBe(202)
    await sleep(300)
    expect(upstream.calls).toHaveLength(calls)
    console.log(`${KILLS} kills, ${acknowledged.length} acknowledged, ${calls} calls`)
  }, 900_000)
}
