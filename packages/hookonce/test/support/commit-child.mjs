/**
 * One process of the commit storm: node commit-child.mjs sqlite|postgres <path or url> claims|inbox. Answers deliveries, each
 * a line with a key: claims it for so short that others take it over, and transacts; or accepts it, and does the same with
 * what is due. The line `aim` has it killed at the next transaction: within the work, the COMMIT, or soon after.
 */
import { randomUUID } from 'node:crypto'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { StoreError } from 'hookonce'
import { postgresStore } from 'hookonce/stores/postgres'
import { sqliteStore } from 'hookonce/stores/sqlite'

const [kind, where, way] = process.argv.slice(2)

const KINDS = {
  sqlite: {
    open: () => sqliteStore(where),
    transact: (store, { leaseId, ...id }, begun) =>
      store.transact(id, leaseId, tx => {
        tx.prepare('INSERT INTO ledger VALUES (?, ?)').run(id.key, leaseId)
        begun()
        return Buffer.from(leaseId)
      }),
  },
  postgres: {
    open: () => postgresStore(where, { timeoutMs: 20_000, purgeIntervalMs: 0 }),
    transact: (store, { leaseId, ...id }, begun) =>
      store.transact(id, leaseId, async tx => {
        begun()
        await tx.query('INSERT INTO ledger VALUES ($1, $2)', [id.key, leaseId])
        return Buffer.from(leaseId)
      }),
  },
}

const say = value => process.stdout.write(`${JSON.stringify(value)}\n`)
const { open, transact } = KINDS[kind]
const store = open()
const killer = new Worker(
  `require('worker_threads').parentPort.on('message', ms => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
    process.kill(process.pid, 'SIGKILL')
  })`,
  { eval: true },
)
let isAimed = false

const RETENTION = { retentionMs: 3_600_000 }
const times = () => ({ leaseMs: Math.ceil(Math.random() * 20), lockTtlMs: 300_000, maxLosses: 1_000_000 })

async function work(id) {
  await delay(Math.random() * 15)
  const { status } = await transact(store, id, () => isAimed && killer.postMessage(Math.random() * 3))
  return status
}

async function claim(key) {
  const id = { scope: 'test', key, leaseId: randomUUID() }
  const { status } = await store.claim({ ...id, fingerprint: null, ...RETENTION, ...times() })
  return status === 'acquired' ? work(id) : status
}

async function accept(key) {
  const what = { fingerprint: null, delivery: Buffer.from(key), delayMs: 0, group: null }
  const { status } = await store.accept({ scope: 'test', key, acceptId: randomUUID(), ...what, ...RETENTION })
  return status
}

async function workWhatIsDue() {
  for (;;) {
    const leaseId = randomUUID()
    // Whatever the store could not do is due again.
    const ignore = error => {
      if (!(error instanceof StoreError)) throw error
    }
    const taken = (await store.claimDue({ scope: 'test', limit: 32, leaseId, ...times() }).catch(ignore)) ?? []
    await Promise.all(taken.map(({ scope, key }) => work({ scope, key, leaseId }).catch(ignore)))
    if (taken.length === 0) await delay(5)
  }
}

const answer = way === 'inbox' ? accept : claim

/** On a machine that does other things the others hold the lock for longer than one waits for it. */
async function isReady() {
  for (;;) {
    try {
      return await store.ready()
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
    }
  }
}

await isReady()
if (way === 'inbox') workWhatIsDue()
say('ready')
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'aim') {
    isAimed = true
    continue
  }
  const { delivery, key } = JSON.parse(line)
  answer(key).then(
    status => say({ delivery, status }),
    error => say({ delivery, status: error.message }),
  )
}
