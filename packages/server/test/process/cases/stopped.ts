import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { deliver, isReplay, recordOf } from '../support/deliver.js'
import { type Settings, startServer, temporaryFolder } from '../support/server.js'
import type { SharedStore } from '../support/stores.js'
import { until } from '../support/until.js'
import { startUpstream, type Upstream } from '../support/upstream.js'

const LEASE_SECONDS = 2

const settings = (upstream: Upstream, store: Settings) => ({
  ...store,
  HOOKONCE_FORWARD_TO: upstream.url,
  HOOKONCE_LEASE_SECONDS: LEASE_SECONDS,
  HOOKONCE_STORE_TIMEOUT_SECONDS: 0.5,
  LOG_LEVEL: 'debug',
})

/** SIGSTOP, beyond a lease and within it. */
export function stoppedCases(store: SharedStore): void {
  test('a process stopped beyond its lease is overtaken and, awake again, changes nothing', async () => {
    const upstream = await startUpstream({ takes: () => 'held' })
    const shared = store.fresh()
    const [stopped, other] = await Promise.all([
      startServer(settings(upstream, shared)),
      startServer(settings(upstream, shared)),
    ])
    const stale = deliver(stopped, 'k')
    await until('the first call', () => upstream.calls.length === 1)
    await store.stop(stopped, shared)

    const answered = deliver(other, 'k')
    await until('the other process takes over', () => upstream.calls.length === 2)
    const [first, second] = upstream.calls
    expect(second!.attempt).toBe(2)
    expect(second!.fencingToken).toBeGreaterThan(first!.fencingToken)
    second!.answer()
    const answer = await answered
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual(second!.result)
    const { duplicates: _, ...record } = (await recordOf(other, 'k'))!

    first!.answer()
    stopped.signal('SIGCONT')
    const late = await stale
    expect([200, 409]).toContain(late.status)
    if (late.status === 200) {
      expect(isReplay(late)).toBe(true)
      expect(late.body).toEqual(second!.result)
    }
    // The late one may count as a duplicate.
    expect(await recordOf(stopped, 'k')).toMatchObject(record)
    expect(upstream.calls).toHaveLength(2)
  })

  test('the late result of a handler that ignores its signal is refused', async () => {
    const upstream = await startUpstream({ takes: () => 'held' })
    const shared = store.fresh()
    const config = join(temporaryFolder(), 'hookonce.config.mjs')
    writeFileSync(
      config,
      `export default { sources: { default: { handle: async (delivery, attempt) => fetch(${JSON.stringify(upstream.url)}, {
        method: 'POST',
        headers: {
          'idempotency-key': attempt.key,
          'x-hookonce-attempt': String(attempt.number),
          'x-hookonce-fencing-token': attempt.fencingToken,
        },
      }) } } }`,
    )
    const { HOOKONCE_FORWARD_TO, ...rest } = settings(upstream, shared)
    const [stopped, other] = await Promise.all([
      startServer(rest, { args: ['--config', config] }),
      startServer(rest, { args: ['--config', config] }),
    ])
    const stale = deliver(stopped, 'k')
    await until('the first call', () => upstream.calls.length === 1)
    await store.stop(stopped, shared)
    const answered = deliver(other, 'k')
    await until('the other process takes over', () => upstream.calls.length === 2)
    stopped.signal('SIGCONT')
    await until('the first attempt is lost', () => stopped.logged('attempt lost').length === 1)

    const [first, second] = upstream.calls
    first!.answer()
    await until('the stale result is refused', () => stopped.logged('result refused').length === 1)
    expect((await recordOf(other, 'k'))?.state).toBe('running')
    second!.answer()
    expect((await answered).body).toEqual(second!.result)
    const late = await stale
    expect(isReplay(late)).toBe(true)
    expect(late.body).toEqual(second!.result)
    expect(upstream.calls).toHaveLength(2)
  })

  test('a process stopped for less than its lease loses nothing', async () => {
    const upstream = await startUpstream({ takes: () => 'held' })
    const shared = store.fresh()
    const long = { ...settings(upstream, shared), HOOKONCE_LEASE_SECONDS: 6 }
    const [stopped, other] = await Promise.all([startServer(long), startServer(long)])
    const answered = deliver(stopped, 'k')
    await until('the call', () => upstream.calls.length === 1)
    await store.stop(stopped, shared)
    const waiting = deliver(other, 'k')
    await sleep(1_000)
    stopped.signal('SIGCONT')
    upstream.calls[0]!.answer()

    const answer = await answered
    expect(answer.status).toBe(200)
    expect(isReplay(answer)).toBe(false)
    const replay = await waiting
    expect(isReplay(replay)).toBe(true)
    expect(replay.body).toEqual(answer.body)
    expect(upstream.calls).toHaveLength(1)
  })

  test('an attempt that works for several leases keeps its key', async () => {
    const upstream = await startUpstream({ takes: () => 2.2 * LEASE_SECONDS * 1000 })
    const shared = store.fresh()
    const [owner, other] = await Promise.all([
      startServer(settings(upstream, shared)),
      startServer(settings(upstream, shared)),
    ])
    const answers = await Promise.all([owner, other, other].map(server => deliver(server, 'k')))
    for (const { status, body } of answers) {
      expect(status).toBe(200)
      expect(body).toEqual(upstream.calls[0]!.result)
    }
    expect(answers.filter(isReplay)).toHaveLength(2)
    expect(upstream.calls).toHaveLength(1)
  })
}
