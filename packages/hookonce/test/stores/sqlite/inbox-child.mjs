/**
 * A process of the inbox's storm: node inbox-child.mjs <path>. Accepts the keys that lines name, and meanwhile takes what is
 * due, to complete it, fail it or forget it. Says what was acknowledged to it.
 */
import { randomUUID } from 'node:crypto'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { sqliteStore } from 'hookonce/stores/sqlite'

const WORKERS = 3
const store = sqliteStore(process.argv[2], { busyTimeoutMs: 30_000 })
const say = value => process.stdout.write(`${JSON.stringify(value)}\n`)

async function accept(key, group) {
  const request = { scope: 'test', key, group, fingerprint: null, acceptId: randomUUID() }
  await store.accept({ ...request, delivery: Buffer.from(`of ${key}`), retentionMs: 3_600_000, delayMs: 0 })
  say({ accepted: key })
}

async function attempt(due, leaseId) {
  const fate = Math.random()
  if (Buffer.from(due.delivery).toString() !== `of ${due.key}`) throw new Error(`${due.key}: ${due.delivery}`)
  await delay(Math.random() * 20)
  if (fate < 0.1) return
  if (fate < 0.3) {
    await store.fail(due, leaseId, 'it broke', fate < 0.12 ? 'dead' : { dueInMs: Math.floor(Math.random() * 20) })
    return
  }
  const result = Buffer.from(leaseId)
  const work = tx => {
    tx.prepare('INSERT INTO effects VALUES (?, ?)').run(due.key, leaseId)
    return result
  }
  const { status } = await (fate < 0.5 ? store.transact(due, leaseId, work) : store.complete(due, leaseId, result))
  if (status === 'completed') say({ completed: due.key, leaseId })
}

async function work() {
  for (;;) {
    const leaseId = randomUUID()
    const times = { leaseMs: Math.ceil(Math.random() * 50), lockTtlMs: 300_000, maxLosses: 1_000_000 }
    const claims = await store.claimDue({ scope: 'test', limit: 5, leaseId, ...times })
    await Promise.all(claims.map(due => attempt(due, leaseId)))
    if (claims.length === 0) await delay(5)
  }
}

await store.ready()
say('ready')
for (let worker = 0; worker < WORKERS; worker++) work()
for await (const line of createInterface({ input: process.stdin })) {
  const { key, group } = JSON.parse(line)
  accept(key, group)
}
