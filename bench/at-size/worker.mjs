/**
 * Stores by name. Asked by messages: `{ open: { kind, … }, as, records }` opens one and makes so many completed records,
 * `{ pairs, in }` claims and completes so many more, which are deleted when the time was taken. Keys are counted from where
 * others had `counted` to, or `random`, the worst that an index can be given. Answers `{ perSecond }`.
 */
import { randomUUID } from 'node:crypto'
import { openStore } from '../open-store.mjs'

const FILLING_AT_ONCE = 512
const MEASURED_AT_ONCE = 64
const result = Buffer.alloc(200, 'r')
const fingerprint = 'f'.repeat(43)

const stores = {}
const nextKeys = {}

process.on('message', async message => {
  const name = message.as ?? message.in
  if (message.open !== undefined) {
    stores[name] = await openStore(message.open)
    let { counted = 0 } = message
    nextKeys[name] = message.random ? randomUUID : () => `evt_${++counted}`
  }
  const store = stores[name]
  const keys = Array.from({ length: message.records ?? message.pairs }, nextKeys[name])
  const startedAt = performance.now()
  const atOnce = message.open === undefined ? MEASURED_AT_ONCE : FILLING_AT_ONCE
  await forEach(keys, atOnce, key => claimAndComplete(store, key))
  const perSecond = (keys.length / (performance.now() - startedAt)) * 1000
  if (message.pairs !== undefined) await forEach(keys, FILLING_AT_ONCE, key => store.delete({ scope: 'default', key }))
  process.send({ perSecond })
})

async function forEach(keys, atOnce, act) {
  let next = 0
  const go = async () => {
    while (next < keys.length) await act(keys[next++])
  }
  await Promise.all(Array.from({ length: atOnce }, go))
}

async function claimAndComplete(store, key) {
  const id = { scope: 'default', key }
  const leaseId = randomUUID()
  const times = { leaseMs: 15_000, lockTtlMs: 300_000, retentionMs: 3_600_000, maxLosses: 10 }
  const claimed = await store.claim({ ...id, fingerprint, leaseId, ...times })
  const completed = await store.complete(id, leaseId, result)
  if (claimed.status !== 'acquired' || completed.status !== 'completed') {
    throw new Error(`${key}: ${claimed.status}, ${completed.status}`)
  }
}
