import { expect, test } from 'vitest'
import { send } from '../../support/http.js'
import { deliver } from '../support/deliver.js'
import { type ServerProcess, type Settings, startServer } from '../support/server.js'
import type { SharedStore } from '../support/stores.js'
import { until } from '../support/until.js'
import { startUpstream } from '../support/upstream.js'

const ask = async ({ url }: ServerProcess, path: string) => (await send(url + path, { method: 'GET' })).json

interface Listed {
  pid: number
  role: string
  alive: boolean
}

/** What servers and workers say of themselves, in the store. */
export function figuresCases(store: SharedStore): void {
  test('figures are of all processes, and survive them', async () => {
    const upstream = await startUpstream()
    const shared: Settings = { ...store.fresh(), HOOKONCE_FORWARD_TO: upstream.url }
    const [one, two] = await Promise.all([startServer(shared), startServer(shared)])
    await deliver(one, 'a')
    await deliver(one, 'a')
    await deliver(two, 'a')
    await deliver(two, 'b')
    one.signal('SIGTERM')
    expect(await one.exited).toBe(0)
    const whole = { deliveries: 4, saved: 2, outcomes: { executed: 2, replayed: 2 }, attempts: { recorded: 2 } }
    expect(await ask(two, '/api/figures?range=1h')).toMatchObject(whole)

    two.signal('SIGTERM')
    expect(await two.exited).toBe(0)
    const three = await startServer(shared)
    for (const range of ['1h', '24h', '7d', '30d']) {
      const figures = await ask(three, `/api/figures?range=${range}`)
      expect(figures).toMatchObject({ ...whole, sources: { default: whole } })
      expect(figures.processes).toHaveLength(2)
    }
  })

  test('a circuit breaker that is open in a worker is told by the server', async () => {
    const upstream = await startUpstream()
    upstream.close()
    const shared: Settings = { ...store.fresh(), HOOKONCE_FORWARD_TO: upstream.url, HOOKONCE_MODE: 'inbox' }
    const server = await startServer({ ...shared, HOOKONCE_INBOX_CONCURRENCY: 0 })
    const about = async () => (await ask(server, '/api/figures?range=5m')).sources.default
    expect(await about()).toMatchObject({
      breaker: { state: 'closed', since: null, processes: [] },
      silence: { last_delivery_at: null, silent_ms: null, usual_gap_ms: null, level: null },
    })
    for (let i = 0; i < 5; i++) await deliver(server, `k${i}`)
    const worker = await startServer(shared, { args: ['work'] })
    await expect.poll(async () => (await about()).breaker.state, { timeout: 20_000 }).not.toBe('closed')
    const { breaker, silence } = await about()
    const { processes } = await ask(server, '/api/processes')
    const { id, tripped_breakers } = processes.find(({ pid }: Listed) => pid === worker.pid)
    expect(breaker).toEqual({ state: breaker.state, since: tripped_breakers[0].since, processes: [id] })
    expect(silence).toMatchObject({ last_delivery_at: expect.any(String), usual_gap_ms: null, level: null })

    await startUpstream({ port: Number(new URL(upstream.url).port) })
    await expect
      .poll(async () => (await about()).breaker, { timeout: 20_000 })
      .toMatchObject({ state: 'closed', processes: [] })
  })

  test('servers and workers are listed, until they stop in good order', async () => {
    const upstream = await startUpstream()
    const shared: Settings = { ...store.fresh(), HOOKONCE_FORWARD_TO: upstream.url, HOOKONCE_MODE: 'inbox' }
    const server = await startServer({ ...shared, HOOKONCE_INBOX_CONCURRENCY: 0 })
    const worker = await startServer(shared, { args: ['work'] })
    const pids = async () => {
      const { processes }: { processes: Listed[] } = await ask(server, '/api/processes')
      return processes.map(({ pid, role, alive }) => [pid, role, alive]).sort()
    }
    const both = [
      [server.pid, 'server', true],
      [worker.pid, 'worker', true],
    ].sort()
    await expect.poll(pids).toEqual(both)

    await deliver(server, 'a')
    await until('the worker attempts it', () => upstream.calls.length === 1)
    worker.signal('SIGTERM')
    expect(await worker.exited).toBe(0)
    expect(await pids()).toEqual([[server.pid, 'server', true]])
    expect(await ask(server, '/api/figures')).toMatchObject({ attempts: { recorded: 1 }, outcomes: { accepted: 1 } })
  })
}
