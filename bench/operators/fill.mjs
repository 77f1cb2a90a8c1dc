/**
 * Fills the store of a server: `{ open, records, sample }`. All are completed but one in a thousand, which failed; a tenth is
 * of the source `partner`. Keys are random, as senders' are. Answers `sample` of them, from all over.
 */
import { randomUUID } from 'node:crypto'
import { createReceiver } from 'hookonce'
import { handleFetch } from 'hookonce/adapters/fetch'
import { memoryStore } from 'hookonce/stores/memory'
import { openStore } from '../open-store.mjs'

const AT_ONCE = 512
const TIMES = { leaseMs: 15_000, lockTtlMs: 300_000, retentionMs: 86_400_000, maxLosses: 10 }

process.on('message', async ({ open, records, sample }) => {
  const store = await openStore(open)
  const result = await recordedResult()
  const some = []
  let made = 0
  const make = async () => {
    while (made < records) {
      const number = made++
      const id = { scope: number % 10 === 9 ? 'partner' : 'default', key: randomUUID() }
      const leaseId = randomUUID()
      await store.claim({ ...id, fingerprint: null, leaseId, ...TIMES })
      if (number % 1_000 === 500) await store.fail(id, leaseId, 'the application answered 500')
      else await store.complete(id, leaseId, result)
      if (number % Math.max(1, Math.floor(records / sample)) === 0) some.push(id)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, make))
  await store.close()
  process.send(some)
})

/** As a receiver records it. */
async function recordedResult() {
  const store = memoryStore()
  const headers = { 'idempotency-key': 'k', 'content-type': 'application/json' }
  const request = new Request('http://localhost/', { method: 'POST', headers, body: '{}' })
  const source = createReceiver({ store }).source({ name: 'default' })
  await handleFetch(source, request, () => Response.json({ status: 'success', message: 'processed' }))
  return (await store.get({ scope: 'default', key: 'k' })).result
}
