import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { RecordSummary } from 'hookonce'
import type { RedisStore } from 'hookonce/stores/redis'
import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { eventually, open, server } from './support.js'

const KILLS = Number(process.env.HOOKONCE_TEST_KILLS ?? 10)
const script = fileURLToPath(new URL('./inbox-child.mjs', import.meta.url))

/** What all processes were told. */
interface History {
  accepted: Set<string>
  /** Under which lease ids each key was completed. */
  completed: Map<string, Set<string>>
  dead: Set<string>
  wrong: string[]
}

/** A process that accepts and works, once it does. */
async function start(url: string, name: string, { accepted, completed, dead, wrong }: History): Promise<ChildProcess> {
  const child = spawn(process.execPath, [script, url, name], { stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  child.stdin.on('error', () => {}) // that of a child that was just killed
  const lines = createInterface({ input: child.stdout })
  const ready = once(lines, 'line')
  lines.on('line', line => {
    const said = JSON.parse(line)
    if (said.accepted) accepted.add(said.accepted)
    if (said.completed) completed.set(said.completed, (completed.get(said.completed) ?? new Set()).add(said.leaseId))
    if (said.dead) dead.add(said.dead)
    if (said.wrong) wrong.push(said.wrong)
  })
  await ready
  return child
}

/** Newest first. */
async function recordsOf(store: RedisStore): Promise<RecordSummary[]> {
  const records: RecordSummary[] = []
  for (let after: string | undefined; ; ) {
    const page = await store.list({ scope: 'test', accepted: true, limit: 1000, ...(after && { after }) })
    records.push(...page.records)
    if (page.next === undefined) return records
    after = page.next
  }
}

test(`over ${KILLS} SIGKILLs each accepted record completes once or dies, in the order of its group`, {
  timeout: 60_000 + 2_000 * KILLS,
}, async () => {
  const redis = await server()
  const store = open(redis.url)
  const ledger = new Redis(redis.url)
  onTestFinished(() => ledger.disconnect())
  const history: History = { accepted: new Set(), completed: new Map(), dead: new Set(), wrong: [] }
  const launch = (name: string) => start(redis.url, name, history)
  const children = await Promise.all(['a', 'b', 'c'].map(launch))

  for (let kills = 0; kills < KILLS; kills++) {
    const victim = kills % children.length
    const successor = await launch(`${kills}`)
    await delay(Math.random() * 100)
    const exited = once(children[victim]!, 'close')
    children[victim]!.kill('SIGKILL')
    expect(await exited).toEqual([null, 'SIGKILL'])
    children[victim] = successor
  }
  for (const child of children) {
    const exited = once(child, 'close')
    child.stdin!.write('stop\n')
    expect(await exited).toEqual([0, null])
  }
  // What is left is worked off here: all of it is due sooner or later.
  await eventually('all to be settled', async () => {
    const leaseId = crypto.randomUUID()
    const request = { scope: 'test', limit: 100, leaseId, leaseMs: 60_000, lockTtlMs: 60_000, maxLosses: 1e6 }
    const claims = await store.claimDue(request)
    await Promise.all(claims.map(({ key }) => ledger.rpush('begun', key)))
    for (const claim of claims) await store.complete(claim, leaseId, Buffer.from('at the end'))
    return claims.length === 0 && (await recordsOf(store)).every(({ state }) => /completed|dead/.test(state))
  })

  const { accepted, completed, dead, wrong } = history
  expect(wrong).toEqual([])
  const records = await recordsOf(store)
  const states = new Map(records.map(({ key, state }) => [key, state]))
  expect(states.size).toBe(records.length)
  expect([...accepted].filter(key => !states.has(key))).toEqual([])
  for (const key of dead) expect(states.get(key)).toBe('dead')
  for (const [key, leaseIds] of completed) {
    const record = await store.get({ scope: 'test', key })
    expect([...leaseIds], key).toEqual([Buffer.from(record!.result!).toString()])
  }
  const begun = await ledger.lrange('begun', 0, -1)
  for (const group of new Set(records.flatMap(({ accepted }) => accepted!.group ?? []))) {
    const order = records.filter(({ accepted }) => accepted!.group === group).map(({ key }) => key)
    const places = begun.map(key => order.toReversed().indexOf(key)).filter(place => place >= 0)
    expect(places, group).toEqual(places.toSorted((a, b) => a - b))
  }
  // The agenda is left with what is to be forgotten, and nothing else.
  expect(await ledger.zcount('hookonce:{inbox}:queue:4:test:agenda', 0, '+inf')).toBe(0)

  const lost = records.filter(({ losses }) => losses > 0).length
  console.log(`${records.length} records, ${begun.length} attempts, ${lost} records lost some, ${dead.size} died`)
  for (const count of [lost, dead.size, begun.length - records.length]) expect(count).toBeGreaterThan(0)
})
