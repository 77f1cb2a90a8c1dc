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
  server.logged('attempt lost').length + server.logged('result refused').length > 0

/** A record deleted while its attempt runs. */
export function forcedDeleteCases(store: SharedStore): void {
  for (const where of ['owner', 'other'] as const) {
    const place = where === 'owner' ? 'the process that runs the attempt' : 'another process'

    test(`a forced delete in ${place} refuses the running attempt and lets the next delivery run`, async () => {
      const { upstream, ...servers } = await startPair(store)
      const { owner, other } = servers
      const stale = deliver(owner, 'k')
      await until('the first call', () => upstream.calls.length === 1)

      expect((await clear(servers[where], 'k')).status).toBe(409)
      expect((await recordOf(other, 'k'))?.state).toBe('running')
      expect((await clear(servers[where], 'k', '?force=true')).json).toEqual({ status: 'cleared', key: 'k' })

      const next = deliver(other, 'k')
      await until('the second call', () => upstream.calls.length === 2)
      const [first, second] = upstream.calls
      first!.answer()
      const staleAnswer = await Promise.race([
        stale,
        until('the first attempt is lost', () => lost(owner)).then(() => null),
      ])
      if (staleAnswer !== null) expect(staleAnswer.status).not.toBe(200)
      second!.answer()

      const answer = await next
      expect(answer.status).toBe(200)
      expect(answer.body).toEqual(second!.result)
      const record = (await recordOf(owner, 'k'))!
      expect(record.state).toBe('completed')
      expect(recordedBody(record)).toEqual(second!.result)
      expect(record.fencing_token).toBe(String(second!.fencingToken))
      expect(second!.fencingToken).toBeGreaterThan(first!.fencingToken)

      const late = await stale
      if (late.status === 200) {
        expect(isReplay(late)).toBe(true)
        expect(late.body).toEqual(second!.result)
      }
      const replay = await deliver(owner, 'k')
      expect(isReplay(replay)).toBe(true)
      expect(replay.body).toEqual(second!.result)
      expect(upstream.calls).toHaveLength(2)
    })
  }
}
