import { expect, test } from 'vitest'
import { Herd, type RawAnswer } from '../support/herd.js'
import { type Settings, startServer } from '../support/server.js'
import type { SharedStore } from '../support/stores.js'
import { startUpstream } from '../support/upstream.js'

const settings = (upstream: { url: string }, store: Settings) => ({ ...store, HOOKONCE_FORWARD_TO: upstream.url })

const replays = (answers: RawAnswer[]) => answers.filter(({ headers }) => headers.get('x-cached') === 'true')

/** Many deliveries of one key at once. */
export function duplicateCases(store: SharedStore): void {
  for (const processes of [1, 4]) {
    const where = processes === 1 ? 'one process' : `${processes} processes that share a store`
    test(`of 1,000 deliveries at once to ${where} one calls the upstream, and all are answered alike`, async () => {
      const upstream = await startUpstream({ takes: () => 500 })
      const shared = settings(upstream, store.fresh())
      const servers = await Promise.all(Array.from({ length: processes }, () => startServer(shared)))
      const herd = new Herd()
      await Promise.all(servers.map(({ url }) => herd.gather(url, 'k', 1_000 / processes)))
      await herd.charge()
      const answers = await herd.answers()

      expect(upstream.calls).toHaveLength(1)
      expect(answers).toHaveLength(1_000)
      for (const { status, body } of answers) {
        expect(status).toBe(200)
        expect(body.equals(upstream.calls[0]!.result)).toBe(true)
      }
      expect(replays(answers)).toHaveLength(999)
    })
  }
}
