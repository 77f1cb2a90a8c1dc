import { beforeAll, expect, test } from 'vitest'
import { recordOf } from '../../packages/server/test/process/support/deliver.js'
import { type ServerProcess, startServer } from '../../packages/server/test/process/support/server.js'
import { onPostgres, onRedis, type SharedStore, sqlite } from '../../packages/server/test/process/support/stores.js'
import { until } from '../../packages/server/test/process/support/until.js'
import { startUpstream } from '../../packages/server/test/process/support/upstream.js'
import { buildPreviousRelease } from './previous-release.js'
import { SteadyLoad } from './steady-load.js'

/** So many deliveries go to each process before the next step. */
const EACH = 80

let previous: string

beforeAll(async () => {
  previous = await buildPreviousRelease()
})

function upgradeCases(name: string, store: SharedStore): void {
  test.each([
    ['inline', 200],
    ['inbox', 202],
  ])(`${name}, %s: processes are replaced one after the other, and no sender notices`, async (mode, status) => {
    const upstream = await startUpstream({ takes: () => 100 * Math.random() })
    const settings = {
      ...store.fresh(),
      HOOKONCE_MODE: mode,
      HOOKONCE_FORWARD_TO: upstream.url,
      // However busy the machine is, the store answers in time.
      HOOKONCE_LEASE_SECONDS: 60,
      HOOKONCE_STORE_TIMEOUT_SECONDS: 20,
      HOOKONCE_MAX_EVENT_LOOP_DELAY_MS: 0,
    }
    const startOld = () => startServer(settings, { cli: previous })
    const old = [await startOld(), await startOld()]
    const load = new SteadyLoad([...old])
    const served = (server: ServerProcess) => {
      const before = load.answeredBy(server)
      return until('it has answered for a while', () => load.answeredBy(server) >= before + EACH, 120_000)
    }
    await Promise.all(old.map(served))

    const current: ServerProcess[] = []
    for (const server of old) {
      const successor = await startServer(settings)
      current.push(successor)
      load.targets.push(successor)
      await Promise.all(load.targets.map(served))
      load.targets.splice(load.targets.indexOf(server), 1)
      expect(server.child.exitCode, server.stderr).toBeNull()
      server.signal('SIGTERM')
      expect(await server.exited, server.stderr).toBe(0)
    }
    await Promise.all(current.map(served))
    await load.stop()

    expect(load.answered.filter(({ answer }) => answer?.status !== status)).toEqual([])
    const bodies = new Map<string, Set<string>>()
    for (const { key, answer } of load.answered) bodies.set(key, (bodies.get(key) ?? new Set()).add(answer!.text))
    expect([...bodies.values()].filter(({ size }) => size > 1)).toEqual([])
    const [server] = current
    for (const key of load.keys) {
      await until(`${key} is done`, async () => (await recordOf(server!, key))?.state === 'completed')
    }
    expect(upstream.calls.map(({ key }) => key).sort()).toEqual(load.keys.toSorted())
    console.log(`${name}, ${mode}: ${load.answered.length} deliveries of ${load.keys.length} keys`)
  })
}

upgradeCases('sqlite', sqlite)
onRedis(redis => upgradeCases('redis', redis))
onPostgres(postgres => upgradeCases('postgres', postgres))
