import { expect, test } from 'vitest'
import { checkLedger } from '../support/check-ledger.js'
import { deliver, deliverUnread, isReplay, recordOf } from '../support/deliver.js'
import { killStorm } from '../support/kill-storm.js'
import { randomFrom } from '../support/random.js'
import { type Settings, startServer } from '../support/server.js'
import type { SharedStore } from '../support/stores.js'
import { until } from '../support/until.js'
import { startDeafUpstream, startUpstream, type Upstream } from '../support/upstream.js'

const KILLS = Number(process.env.HOOKONCE_TEST_KILLS ?? 6)
const SEED = Number(process.env.HOOKONCE_TEST_SEED ?? Date.now() % 1_000_000)

const settings = (upstream: Pick<Upstream, 'url'>, store: Settings) => ({
  ...store,
  HOOKONCE_FORWARD_TO: upstream.url,
  HOOKONCE_LEASE_SECONDS: 1.5,
  HOOKONCE_STORE_TIMEOUT_SECONDS: 0.4,
})

/** How many share a store in the storm. The first kill of each hits a running attempt. */
const SERVERS = 3

/** SIGKILL, at named moments and at random ones. */
export function crashCases(store: SharedStore): void {
  test('a key whose process was killed while the upstream worked runs again as attempt 2', async () => {
    const upstream = await startUpstream({ takes: ({ attempt }) => (attempt === 1 ? 'held' : 0) })
    const shared = store.fresh()
    const killed = await startServer(settings(upstream, shared))
    const lost = expect(deliver(killed, 'k')).rejects.toThrow()
    await until('the upstream works', () => upstream.calls.length === 1)
    await killed.kill()
    await lost

    const server = await startServer(settings(upstream, shared))
    const answer = await deliver(server, 'k')
    const [first, second] = upstream.calls
    expect(second!.attempt).toBe(2)
    expect(second!.fencingToken).toBeGreaterThan(first!.fencingToken)
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual(second!.result)
    const replay = await deliver(server, 'k')
    expect(isReplay(replay)).toBe(true)
    expect(replay.body).toEqual(answer.body)
    expect((await recordOf(server, 'k'))?.losses).toBe(1)
    expect(server.logged('attempt taken over')).toMatchObject([{ level: 'warn', source: 'default', attempt: 2 }])
    expect(upstream.calls).toHaveLength(2)
  })

  test('killed between its claim and the call, a key runs again after one lease', async () => {
    const deaf = await startDeafUpstream()
    const shared = store.fresh()
    const killed = await startServer(settings(deaf, shared))
    const lost = expect(deliver(killed, 'k')).rejects.toThrow()
    await until('the key is claimed', async () => (await recordOf(killed, 'k')) !== undefined)
    await killed.kill()
    await lost

    const upstream = await startUpstream()
    const server = await startServer(settings(upstream, shared))
    expect((await deliver(server, 'k')).status).toBe(200)
    expect(upstream.calls.map(({ attempt }) => attempt)).toEqual([2])
  })

  test('killed with an answer that is recorded but not sent, a key replays and does not run again', async () => {
    const resultBytes = 16 * 1024 * 1024
    const upstream = await startUpstream({ resultBytes })
    const shared = store.fresh()
    const roomy = {
      ...settings(upstream, shared),
      HOOKONCE_MAX_RESPONSE_BYTES: 2 * resultBytes,
      HOOKONCE_LEASE_SECONDS: 30,
      HOOKONCE_STORE_TIMEOUT_SECONDS: 10,
    }
    const [killed, server] = await Promise.all([startServer(roomy), startServer(roomy)])
    const answering = deliverUnread(killed, 'k')
    await until('the result is recorded', async () => (await recordOf(server, 'k'))?.state === 'completed')
    await killed.kill()
    const brokenOff = expect(answering.then(answer => answer.toArray())).rejects.toThrow()
    await brokenOff

    const replay = await deliver(server, 'k')
    expect(isReplay(replay)).toBe(true)
    expect(replay.body.equals(upstream.calls[0]!.result)).toBe(true)
    expect(upstream.calls).toHaveLength(1)
  })

  test(`processes killed at ${KILLS} random moments (seed ${SEED}) leave one result per key and no call unexplained`, async () => {
    const random = randomFrom(SEED)
    const upstream = await startUpstream({ takes: () => random.between(0, 60) })
    const startedAt = performance.now()
    const storm = await killStorm({
      kills: KILLS,
      servers: SERVERS,
      senders: 12,
      settings: { ...store.fresh(), HOOKONCE_LEASE_SECONDS: 3, HOOKONCE_WAIT_SECONDS: 5 },
      upstream,
      random,
    })
    const results = checkLedger(storm)
    const repeated = storm.calls.length - new Set(storm.calls.map(({ key }) => key)).size
    console.log(
      `${storm.kills.size} kills (${storm.killedStarting} while starting), ${storm.deliveries.length} deliveries, ` +
        `${results.size} keys, ${storm.calls.length} calls (${repeated} after kills), ` +
        `${Math.round(performance.now() - startedAt)} ms`,
    )
    expect(storm.kills.size).toBe(KILLS)
    expect(repeated, 'attempts that a kill hit').toBeGreaterThanOrEqual(Math.min(SERVERS, KILLS))

    const calls = storm.calls.length
    for (const [key, result] of results) {
      const replay = await deliver(random.pick(storm.survivors), key)
      expect(isReplay(replay), key).toBe(true)
      expect(replay.body.equals(result), key).toBe(true)
    }
    expect(upstream.calls).toHaveLength(calls)
  }, 900_000)
}
