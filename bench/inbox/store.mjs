/** The store's own operations, called in loops: claims, acceptances, and the floor of accepting and processing. */
import { randomUUID } from 'node:crypto'
import { openStore } from '../open-store.mjs'
import { answer, newEvent, timesAtOnce } from './load.mjs'

const TIMES = { leaseMs: 15_000, lockTtlMs: 300_000, maxLosses: 10 }
const RETENTION_MS = 3_600_000
const LIMIT = 100

let store

answer({
  open: async given => {
    store = await openStore(given)
  },
  claims: times =>
    timesAtOnce(times, async () => {
      const { key } = newEvent()
      const asked = {
        scope: 'claims',
        key,
        fingerprint: null,
        leaseId: randomUUID(),
        retentionMs: RETENTION_MS,
        ...TIMES,
      }
      await store.claim(asked)
    }),
  accepts: times => timesAtOnce(times, () => accept('accepts')),
  events: async times => {
    let processed = 0
    const work = async () => {
      while (processed < times) {
        const leaseId = randomUUID()
        const taken = await store.claimDue({ scope: 'events', limit: LIMIT, leaseId, ...TIMES })
        await Promise.all(taken.map(due => store.complete(due, leaseId, Buffer.from('{}'))))
        processed += taken.length
      }
    }
    await Promise.all([timesAtOnce(times, () => accept('events')), work()])
  },
})

function accept(scope) {
  const { key, body } = newEvent()
  const delivery = { delivery: body, delayMs: 0, group: null }
  return store.accept({ scope, key, fingerprint: null, acceptId: randomUUID(), retentionMs: RETENTION_MS, ...delivery })
}
