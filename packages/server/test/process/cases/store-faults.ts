import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type HttpResponse, send } from '../../support/http.js'
import { deliver, isReplay, recordOf } from '../support/deliver.js'
import { type ServerProcess, type Settings, startServer } from '../support/server.js'
import type { RemoteStore } from '../support/stores.js'
import { until } from '../support/until.js'
import { startUpstream } from '../support/upstream.js'

const STORE_TIMEOUT_MS = 500
/** Two tries of a claim, and a machine that does other things. */
const REFUSED_WITHIN_MS = 2 * STORE_TIMEOUT_MS + 5_000

const settings = (upstream: { url: string }, store: Settings) => ({
  ...store,
  HOOKONCE_FORWARD_TO: upstream.url,
  HOOKONCE_LEASE_SECONDS: 3,
  HOOKONCE_STORE_TIMEOUT_SECONDS: STORE_TIMEOUT_MS / 1000,
  LOG_LEVEL: 'debug',
})

const ready = async ({ url }: ServerProcess) => (await send(`${url}/readyz`, { method: 'GET' })).status === 200

async function refused(server: ServerProcess, key: string): Promise<void> {
  const askedAt = performance.now()
  const { status, headers, json } = await deliver(server, key)
  expect([status, json.code]).toEqual([503, 'store_unavailable'])
  expect(Number(headers['retry-after'])).toBeGreaterThan(0)
  expect(performance.now() - askedAt).toBeLessThan(REFUSED_WITHIN_MS)
}

/** The sender's patience: again and again until it is acknowledged. */
async function acknowledged(server: ServerProcess, key: string): Promise<HttpResponse> {
  return until(`${key} is acknowledged`, async () => {
    const answer = await deliver(server, key)
    return answer.status === 200 && answer
  })
}

const WAYS = {
  killed: { away: (store: RemoteStore) => store.killServer(), back: (store: RemoteStore) => store.restartServer() },
  'paused by SIGSTOP': {
    away: async (store: RemoteStore) => store.pauseServer(),
    back: async (store: RemoteStore) => store.resumeServer(),
  },
}

/** The store's server is taken away and comes back; the receivers are never restarted. */
export function storeFaultCases(store: RemoteStore): void {
  for (const [way, { away, back }] of Object.entries(WAYS)) {
    test(`while the store is ${way} nothing runs and every sender is told in time; all heals when it is back`, async () => {
      const upstream = await startUpstream()
      const server = await startServer(settings(upstream, store.fresh()))
      const first = await deliver(server, 'before')
      expect(await ready(server)).toBe(true)

      await away(store)
      await Promise.all(['before', 'new-1', 'new-2'].map(key => refused(server, key)))
      expect(await ready(server)).toBe(false)
      expect((await send(`${server.url}/health`, { method: 'GET' })).status).toBe(200)
      expect(upstream.calls.map(({ key }) => key)).toEqual(['before'])

      await back(store)
      const replay = await acknowledged(server, 'before')
      expect([isReplay(replay), replay.body]).toEqual([true, first.body])
      for (const key of ['new-1', 'after']) {
        await acknowledged(server, key)
        expect(upstream.callsOf(key)).toHaveLength(1)
      }
      await until('the server is ready again', () => ready(server))
      // The log comes by a pipe of its own, after the answers or before them.
      await until('the log says so', () => server.logged('the store can do its work again').length > 0)
      expect(server.logged('the store cannot do its work')).toHaveLength(1)
      expect(server.logged('the store can do its work again')).toHaveLength(1)
    })

    test(`a result that finds the store ${way} is recorded when it is back, its upstream not called again`, async () => {
      const upstream = await startUpstream({ takes: () => 'held' })
      const server = await startServer(settings(upstream, store.fresh()))
      const answered = deliver(server, 'k')
      await until('the upstream is called', () => upstream.calls.length === 1)
      await away(store)
      upstream.calls[0]!.answer()
      expect((await answered).status).toBe(503)

      await back(store)
      await until('the result is recorded', async () => (await recordOf(server, 'k'))?.state === 'completed')
      const retry = await deliver(server, 'k')
      expect([isReplay(retry), retry.body]).toEqual([true, upstream.calls[0]!.result])
      expect(upstream.calls).toHaveLength(1)
    })
  }

  test('a store that is killed, paused and restarted under load: one result per key, every repeat explained', async () => {
    const upstream = await startUpstream({ takes: () => 20 })
    const shared = settings(upstream, store.fresh())
    const servers = await Promise.all([startServer(shared), startServer(shared)])
    const results = new Map<string, Buffer>()
    let going = true

    const sender = async (name: number) => {
      for (let number = 0; going; number++) {
        const key = `${name}-${number}`
        const { body } = await until(
          `${key} is acknowledged`,
          async () => {
            const answer = await deliver(servers[number % 2]!, key)
            if (answer.status !== 200) await sleep(50)
            return answer.status === 200 && answer
          },
          60_000,
        )
        results.set(key, body)
      }
    }
    const senders = Promise.all(Array.from({ length: 8 }, (_, name) => sender(name)))
    for (let round = 0; round < 3; round++) {
      for (const { away, back } of Object.values(WAYS)) {
        const atLeast = results.size + 20
        await until('deliveries are acknowledged', () => results.size >= atLeast, 60_000)
        await away(store)
        await sleep(200)
        await back(store)
      }
    }
    going = false
    await senders

    const lines = servers.flatMap(({ log }) => log)
    const mishaps = new Set(lines.filter(({ level }) => level !== 'debug').map(({ key }) => key))
    let repeated = 0
    for (const [key, result] of results) {
      const calls = upstream.callsOf(key)
      expect(calls.some(call => call.result.equals(result))).toBe(true)
      if (calls.length > 1) {
        repeated++
        expect(mishaps.has(key), `${key} was called ${calls.length} times, and no line says why`).toBe(true)
      }
      const replay = await deliver(servers[1]!, key)
      expect([isReplay(replay), replay.body.equals(result)]).toEqual([true, true])
    }
    expect(mishaps.size, 'no fault hit anything').toBeGreaterThan(0)
    console.log(`${results.size} keys, ${upstream.calls.length} calls, ${repeated} keys called again, each explained`)
  }, 180_000)
}
