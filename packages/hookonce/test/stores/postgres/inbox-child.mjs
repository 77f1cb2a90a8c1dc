/**
 * One process of the inbox storm: node inbox-child.mjs <url> <name>. Accepts records, in groups and without, and works
 * them off, until it is killed; the line `drain` ends the accepting. Says what was acknowledged, a line each.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { postgresStore } from 'hookonce/stores/postgres'
import pg from 'pg'

const [url, name] = process.argv.slice(2)
const LEASE_MS = 300
const GROUPS = ['one', 'two', 'three', null, null]

const store = postgresStore(url, { timeoutMs: 20_000, purgeIntervalMs: 0 })
const ledger = new pg.Pool({ connectionString: url, max: 2 })
const say = value => process.stdout.write(`${JSON.stringify(value)}\n`)
const oneOf = choices => choices[Math.floor(Math.random() * choices.length)]
let isDraining = false

async function produce(lane) {
  for (let n = 0; !isDraining; n++) {
    const id = { scope: 's', key: `${name} ${lane} ${n}` }
    const delivery = Buffer.from(id.key)
    const request = { ...id, fingerprint: null, acceptId: randomUUID(), delivery, group: oneOf(GROUPS), delayMs: 0 }
    const { status } = await store.accept({ ...request, retentionMs: 3_600_000 })
    if (status === 'accepted') say({ accepted: id.key })
    // No faster than three groups are worked off.
    await delay(Math.random() * 300)
  }
}

/** Notes the run under the record's lock: what is late has lost its record. */
async function note(key, leaseId) {
  const { rowCount } = await ledger.query(
    `INSERT INTO runs (key, lease_id, attempt, token, claimed_at, lease_ends_at)
     SELECT key, lease_id, attempts, fencing_token, claimed_at, lease_ends_at FROM hookonce.records
     WHERE scope = 's' AND key = $1 AND lease_id = $2 AND state = 'running' FOR UPDATE`,
    [key, leaseId],
  )
  return rowCount > 0
}

async function attempt(claim, leaseId) {
  const { key } = claim
  if (claim.delivery.toString() !== key) throw new Error(`${key} came with what was accepted as ${claim.delivery}`)
  if (Math.random() < 0.5) await store.renew(claim, leaseId, LEASE_MS)
  if (!(await note(key, leaseId))) return
  await delay(Math.random() * 10)
  const dice = Math.random()
  if (dice < 0.05) return
  if (dice < 0.8) {
    const { status } = await store.complete(claim, leaseId, Buffer.from(leaseId))
    if (status === 'completed') say({ completed: key, leaseId })
    return
  }
  await ledger.query('UPDATE runs SET gave_back = true WHERE key = $1 AND lease_id = $2', [key, leaseId])
  await store.fail(claim, leaseId, 'it broke', dice < 0.85 ? 'dead' : { dueInMs: Math.floor(Math.random() * 30) })
}

async function work() {
  for (;;) {
    const leaseId = randomUUID()
    const durations = { leaseMs: LEASE_MS, lockTtlMs: 60_000 }
    const claims = await store.claimDue({ scope: 's', limit: 5, leaseId, ...durations, maxLosses: 1000 })
    await Promise.all(claims.map(claim => attempt(claim, leaseId)))
    if (claims.length === 0) await delay(10)
  }
}

await store.ready()
say({ ready: true })
process.stdin.on('data', () => {
  isDraining = true
})
await Promise.all([produce(1), produce(2), work(), work(), work()])
