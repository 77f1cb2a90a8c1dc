/** Takes a delivery; takes it over once told to, as soon as its lease is over. */
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { sqliteStore } from 'hookonce/stores/sqlite'

const store = sqliteStore(process.argv[2])
const delivery = { delivery: Buffer.from('delivery'), retentionMs: 3_600_000, delayMs: 0, group: null }
await store.accept({ scope: 'test', key: 'one', fingerprint: null, acceptId: 'acceptance', ...delivery })
const take = leaseId =>
  store.claimDue({ scope: 'test', limit: 1, leaseId, leaseMs: 100, lockTtlMs: 60_000, maxLosses: 10 })
console.log(`${(await take('first')).length} taken`)
await once(process.stdin, 'data')
let taken = []
while (taken.length === 0) {
  await delay(10)
  taken = await take('second')
}
console.log(`taken again: attempt ${taken[0].attempt}`)
await store.close()
process.stdin.destroy()
