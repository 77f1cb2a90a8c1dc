/**
 * Accepts records and works on them until it is told to stop or is killed: node inbox-child.mjs <url> <name>. Says what
 * was acknowledged. What it begins goes into a list of the same Redis, which survives it.
 */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { redisStore } from 'hookonce/stores/redis'
import { Redis } from 'ioredis'

const [url, name] = process.argv.slice(2)
const store = redisStore(url, { commandTimeoutMs: 20_000 })
const ledger = new Redis(url)
/** An independent witness, as long as the lease is live: the order of beginnings, and who holds the key until when. */
const BEGIN = `
  local time = redis.call('TIME')
  if time[1] * 1000 + time[2] / 1000 >= tonumber(ARGV[3]) - 1 then return false end
  redis.call('RPUSH', KEYS[1], ARGV[1])
  redis.call('SET', KEYS[2], ARGV[2], 'NX', 'PXAT', ARGV[3] - 1)
  return redis.call('GET', KEYS[2])`
const END = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"

const say = value => process.stdout.write(`${JSON.stringify(value)}\n`)
const random = below => Math.floor(Math.random() * below)
let stopped = false

async function accept() {
  for (let i = 0; !stopped; i++) {
    const key = `${name}.${i}`
    const group = random(4) === 0 ? `group ${random(8)}` : null
    const delivery = Buffer.from(`delivery of ${key}`)
    const times = { retentionMs: 3_600_000, delayMs: random(3) * 10 }
    await store.accept({ scope: 'test', key, fingerprint: null, acceptId: randomUUID(), delivery, group, ...times })
    say({ accepted: key })
    await delay(random(30))
  }
}

async function attempt({ scope, key, accepted, delivery }, leaseId) {
  if (Buffer.from(delivery).toString() !== `delivery of ${key}`) say({ wrong: `${key} has another's delivery` })
  const begun = await ledger.eval(BEGIN, 2, 'begun', `holder of ${key}`, key, leaseId, accepted.dueAt)
  if (begun === null) return // this process was slow, and its lease is over
  if (begun !== leaseId) return say({ wrong: `${key} was held by ${begun} when ${leaseId} took it` })
  await delay(random(20))
  const chance = random(100)
  if (chance < 4) {
    // Abandoned: its lease ends. Half of them are known to have begun.
    if (chance < 2) await store.renew({ scope, key }, leaseId, 300)
    return
  }
  if (chance < 10 && (await store.renew({ scope, key }, leaseId, 300)) === 'renewed') await delay(random(100))
  await ledger.eval(END, 1, `holder of ${key}`, leaseId)
  if (chance < 30) await store.fail({ scope, key }, leaseId, 'it broke', { dueInMs: random(30) })
  else if (chance < 33) {
    if ((await store.fail({ scope, key }, leaseId, 'it broke', 'dead')) === 'failed') say({ dead: key })
  } else {
    const { status } = await store.complete({ scope, key }, leaseId, Buffer.from(leaseId))
    if (status === 'completed') say({ completed: key, leaseId })
  }
}

async function work() {
  while (!stopped) {
    const leaseId = randomUUID()
    const times = { leaseMs: 300, lockTtlMs: 600 }
    const claims = await store.claimDue({ scope: 'test', limit: 4, leaseId, maxLosses: 1e6, ...times })
    await Promise.all(claims.map(claim => attempt(claim, leaseId)))
    if (claims.length === 0) await delay(10)
  }
}

say({ ready: true })
const working = Promise.all([accept(), accept(), work(), work()])
await once(process.stdin, 'data')
stopped = true
await working
await store.close()
ledger.disconnect()
process.stdin.destroy()
