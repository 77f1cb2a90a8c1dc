import { expect, test } from 'vitest'
import { clear, deliver, isReplay, recordedBody, recordOf } from '../support/deliver.js'
import { startServer } from '../support/server.js'
import type { SharedStore } from '../support/stores.js'
import { until } from '../support/until.js'
import { startUpstream } from '../support/upstream.js'

/** Two processes on one store; every call of the upstream waits for its `answer()`. */
async function startPair(store: SharedStore) {
  const upstream = await startUpstream({ takes: () => 'held' })
  const settings = {
    ...store.fresh(),
    HOOKONCE_FORWARD_TO: upstream.url,
    HOOKONCE_LEASE_SECONDS: 3,
  }
  const [owner, other] = await Promise.all([startServer(settings), startServer(settings)])
  return { upstream, owner, other }
}

const lost = (server: { logged(msg: string): unknown[] }) =>
  server.logged('attempt lost').length + server.logged('result refused').length

/** A record deleted while its attempt runs. */
export function forcedDeleteCases(store: SharedStore): void {
  test('a forced delete, in either process, refuses the running attempt and lets the next delivery run', async () => {
    const { upstream, ...servers } = await startPair(store)
    const { owner, other } = servers
    for (const where of ['owner', 'other'] as const) {
      const key = `deleted in the ${where}`.replaceAll(' ', '-')
      const lostBefore = lost(owner)
      const stale = deliver(owner, key)
      await until('the first call', () => upstream.callsOf(key).length === 1)

      expect((await clear(servers[where], key)).status).toBe(409)
      expect((await recordOf(other, key))?.state).toBe('running')
      expect((await clear(servers[where], key, '?force=true')).json).toEqual({ status: 'cleared', key })

      const next = deliver(other, key)
      await until('the second call', () => upstream.callsOf(key).length === 2)
      const [first, second] = upstream.callsOf(key)
      first!.answer()
      const staleAnswer = await Promise.race([
        stale,
        until('the first attempt is lost', () => lost(owner) > lostBefore).then(() => null),
      ])
      if (staleAnswer !== null) expect(staleAnswer.status).not.toBe(200)
      second!.answer()

      const answer = await next
      expect(answer.status).toBe(200)
      expect(answer.body).toEqual(second!.result)
      const record = (await recordOf(owner, key))!
      expect(record.state).toBe('completed')
      expect(recordedBody(record)).toEqual(second!.result)
      expect(record.fencing_token).toBe(String(second!.fencingToken))
      expect(second!.fencingToken).toBeGreaterThan(first!.fencingToken)

      const late = await stale
      if (late.status === 200) {
        expect(isReplay(late)).toBe(true)
        expect(late.body).toEqual(second!.result)
      }
      const replay = await deliver(owner, key)
      expect(isReplay(replay)).toBe(true)
      expect(replay.body).toEqual(second!.result)
      expect(upstream.callsOf(key)).toHaveLength(2)
    }
  })
}
