import { expect, test } from 'vitest'
import { deliver, isReplay } from '../support/deliver.js'
import { type Settings, startServer } from '../support/server.js'
import type { SharedStore } from '../support/stores.js'
import { until } from '../support/until.js'
import { startUpstream } from '../support/upstream.js'

const settings = (upstream: { url: string }, store: Settings) => ({ ...store, HOOKONCE_FORWARD_TO: upstream.url })

/** Servers that end in good order and are replaced. */
export function restartCases(store: SharedStore): void {
  test('a server that was stopped and started again replays what it recorded before', async () => {
    const upstream = await startUpstream()
    const shared = store.fresh()
    const before = await startServer(settings(upstream, shared))
    const first = await deliver(before, 'k')
    before.signal('SIGTERM')
    expect(await before.exited).toBe(0)

    const after = await startServer(settings(upstream, shared))
    const second = await deliver(after, 'k')
    expect(isReplay(second)).toBe(true)
    expect(second.body).toEqual(first.body)
    expect(upstream.calls).toHaveLength(1)
  })

  test('a new process on the same store takes over while the old one drains', async () => {
    const upstream = await startUpstream({ takes: ({ key }) => (key === 'running' ? 'held' : 0) })
    const shared = store.fresh()
    const old = await startServer(settings(upstream, shared))
    const running = deliver(old, 'running')
    await until('the upstream is called', () => upstream.calls.length === 1)

    old.signal('SIGTERM')
    await until('the old process drains', () => old.logged('shutting down').length === 1)
    const replacement = await startServer(settings(upstream, shared))
    const refused = await deliver(old, 'late')
    expect(refused.status).toBe(503)
    expect(refused.headers.connection).toBe('close')
    expect((await deliver(replacement, 'late')).status).toBe(200)

    const duplicate = deliver(replacement, 'running')
    upstream.calls[0]!.answer()
    const [answer, replay] = await Promise.all([running, duplicate])
    expect(answer.body).toEqual(upstream.calls[0]!.result)
    expect(isReplay(replay)).toBe(true)
    expect(replay.body).toEqual(answer.body)
    expect(upstream.callsOf('running')).toHaveLength(1)
    expect(await old.exited).toBe(0)
  })
}
