import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type HttpResponse, send } from '../../support/http.js'
import { scrape } from '../../support/metrics.js'
import { asOperator } from '../../support/operator.js'
import { deliver, isReplay } from '../support/deliver.js'
import { randomFrom } from '../support/random.js'
import { type ServerProcess, type Settings, startServer, temporaryFolder } from '../support/server.js'
import type { SharedStore } from '../support/stores.js'
import { until } from '../support/until.js'
import { startUpstream } from '../support/upstream.js'

/** How many deliveries there are; a hundred times less groups, and as many events in each. */
const DELIVERIES = Number(process.env.HOOKONCE_TEST_DELIVERIES ?? 200)
const GROUPS = Math.round(Math.sqrt(DELIVERIES))
const POISON = Math.round(DELIVERIES / 2)
const DEAD = Math.round(DELIVERIES / 3)
const PATIENCE_MS = 30_000 + 60 * DELIVERIES

const settings = (upstream: { url: string }, store: Settings) => ({
  ...store,
  HOOKONCE_MODE: 'inbox',
  HOOKONCE_FORWARD_TO: upstream.url,
})

const receiving = (upstream: { url: string }, store: Settings) => ({
  ...settings(upstream, store),
  HOOKONCE_INBOX_CONCURRENCY: 0,
})

/** However busy the machine is, the store answers in time. */
const UNHURRIED = { HOOKONCE_LEASE_SECONDS: 60, HOOKONCE_STORE_TIMEOUT_SECONDS: 20 }
/** A killed worker's deliveries are not waited for long. */
const BRIEF = { HOOKONCE_LEASE_SECONDS: 3 }

function configured(source: string): string[] {
  const config = join(temporaryFolder(), 'hookonce.config.mjs')
  writeFileSync(config, `export default { sources: { default: ${source} } }`)
  return ['--config', config]
}

/** How many events are in a state, counted page by page. */
async function count({ url }: ServerProcess, state: string): Promise<number> {
  let events = 0
  for (let after = ''; ; ) {
    const { status, json } = await send(`${url}/webhook/events?state=${state}&limit=500${after}`, { method: 'GET' })
    // A busy store may not answer in time; who asks asks again.
    if (status === 503) return Number.NaN
    events += json.events.length
    if (json.next === null) return events
    after = `&after=${encodeURIComponent(json.next)}`
  }
}

/** What processes together have counted of the default source, by a label's value; nothing that is 0. */
async function counted(processes: ServerProcess[], metric: string, label: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { url } of processes) {
    const shown = await scrape(url)
    for (const value of shown.labelValues(label)) {
      const count = shown.value(metric, { source: 'default', [label]: value }) ?? 0
      if (count > 0) counts[value] = (counts[value] ?? 0) + count
    }
  }
  return counts
}

async function inParallel<T>(items: T[], width: number, work: (item: T) => Promise<void>): Promise<void> {
  const left = items.toReversed()
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (let item = left.pop(); item !== undefined; item = left.pop()) await work(item)
    }),
  )
}

/** Many deliveries through several receivers and workers at once. */
export function inboxLoadCases(store: SharedStore): void {
  test(
    `${DELIVERIES} deliveries, a fifth of them twice, a tenth failing first: each is done once`,
    async () => {
      const random = randomFrom(1)
      const failing = new Set<string>()
      const upstream = await startUpstream({ fails: ({ key }) => failing.delete(key) })
      const shared = { ...store.fresh(), ...UNHURRIED }
      const args = configured('{ retryDelaysSeconds: Array(9).fill(0.05), concurrency: 20 }')
      const servers = await Promise.all([1, 2, 3].map(() => startServer(receiving(upstream, shared), { args })))
      const working = { ...settings(upstream, shared), HOOKONCE_WORK_PORT: 0 }
      const workers = await Promise.all([1, 2, 3].map(() => startServer(working, { args: ['work', ...args] })))
      const keys = Array.from({ length: DELIVERIES }, (_, i) => `k${i}`)
      for (const key of keys) if (random.chance(0.1)) failing.add(key)
      const failures = failing.size
      let duplicates = 0
      const answers: HttpResponse[] = []
      await inParallel(keys, 24, async key => {
        const copies = random.chance(0.2) ? 2 : 1
        duplicates += copies - 1
        answers.push(...(await Promise.all(Array.from({ length: copies }, () => deliver(random.pick(servers), key)))))
      })
      expect(answers.every(({ status }) => status === 202)).toBe(true)
      expect(answers.filter(isReplay)).toHaveLength(duplicates)
      await until('all is done', async () => (await count(servers[0]!, 'completed')) === DELIVERIES, PATIENCE_MS)
      expect(await count(servers[1]!, 'dead')).toBe(0)
      expect(upstream.calls).toHaveLength(DELIVERIES + failures)
      expect(new Set(upstream.calls.map(({ key }) => key)).size).toBe(DELIVERIES)

      expect(await counted(servers, 'deliveries_total', 'outcome')).toEqual({
        accepted: DELIVERIES,
        ...(duplicates > 0 && { replayed: duplicates }),
      })
      // A worker counts an attempt when the store has told it what others may see already.
      await expect
        .poll(() => counted(workers, 'attempts_total', 'end'))
        .toEqual({ recorded: DELIVERIES, ...(failures > 0 && { given_back: failures }) })
    },
    2 * PATIENCE_MS,
  )

  test(
    `${POISON} deliveries that fail again and again beside ${POISON} healthy ones: each of them costs one call at most`,
    async () => {
      const isPoison = (key: string) => key.startsWith('poison')
      const upstream = await startUpstream({ fails: ({ key }) => isPoison(key) })
      const shared = { ...store.fresh(), ...UNHURRIED }
      const concurrency = 20
      const args = configured(`{ retryDelaysSeconds: Array(9).fill(0.01), concurrency: ${concurrency} }`)
      const server = await startServer(receiving(upstream, shared), { args })
      const keys = Array.from({ length: POISON }, (_, i) => [`poison${i}`, `healthy${i}`]).flat()
      await inParallel(keys, 16, async key => expect((await deliver(server, key)).status).toBe(202))

      await startServer(settings(upstream, shared), { args: ['work', ...args] })
      const healthy = () => upstream.calls.filter(({ key }) => !isPoison(key)).length
      await until('all that are healthy are done', () => healthy() === POISON, PATIENCE_MS)
      // What was due before comes before what is due again.
      const untilTheLast = upstream.calls.findLastIndex(({ key }) => !isPoison(key)) + 1
      expect(untilTheLast - POISON).toBeLessThanOrEqual(POISON + 2 * concurrency)
      await until('they are recorded', async () => (await count(server, 'completed')) === POISON, PATIENCE_MS)
    },
    2 * PATIENCE_MS,
  )

  test(
    `${GROUPS} groups of ${GROUPS} events, workers killed meanwhile: never reordered inside a group`,
    async () => {
      const random = randomFrom(2)
      const upstream = await startUpstream({ takes: () => random.between(0, 10), fails: () => random.chance(0.05) })
      const shared = { ...store.fresh(), ...BRIEF }
      const args = configured(
        "{ retryDelaysSeconds: Array(50).fill(0.02), concurrency: 20, group: delivery => delivery.header('x-idempotency-key').split('-')[0] }",
      )
      const server = await startServer(receiving(upstream, shared), { args })
      const start = () => startServer(settings(upstream, shared), { args: ['work', ...args] })
      const workers = await Promise.all([start(), start(), start()])
      const groups = Array.from({ length: GROUPS }, (_, group) => group)
      const sending = inParallel(groups, GROUPS, async group => {
        for (let event = 0; event < GROUPS; event++) {
          const key = `g${group}-${event}`
          // The sender's patience: a busy machine may have no answer of the store in time.
          await until(`${key} is accepted`, async () => (await deliver(server, key)).status === 202)
        }
      })
      for (let kill = 0; kill < 3; kill++) {
        await sleep(random.between(100, 600))
        await workers[kill]!.kill()
        workers[kill] = await start()
      }
      await sending
      await until('all is done', async () => (await count(server, 'completed')) === GROUPS * GROUPS, PATIENCE_MS)
      for (const group of groups) {
        let last = 0
        for (const { key } of upstream.calls.filter(call => call.key.startsWith(`g${group}-`))) {
          const event = Number(key.split('-')[1])
          // The same again, after a failure or a kill, or the next.
          expect([last, last + 1]).toContain(event)
          last = event
        }
        expect(last).toBe(GROUPS - 1)
      }
    },
    2 * PATIENCE_MS,
  )

  test(
    `a redrive of ${DEAD} dead deliveries tells how far it is, can be broken off and continued, and runs none twice`,
    async () => {
      let works = false
      // Not a server error: an application that is down is not asked for each of them.
      const upstream = await startUpstream({ fails: () => !works && 422 })
      const shared = { ...store.fresh(), ...UNHURRIED }
      const args = configured('{ retryDelaysSeconds: [], concurrency: 20 }')
      const server = await startServer(settings(upstream, shared), { args })
      const keys = Array.from({ length: DEAD }, (_, i) => `k${i}`)
      await inParallel(keys, 16, async key => void (await deliver(server, key)))
      await until('all are dead', async () => (await count(server, 'dead')) === DEAD, PATIENCE_MS)
      works = true
      const before = upstream.calls.length

      const redrive = `${server.url}/webhook/events/redrive?source=default&confirm=all`
      const broken = request(redrive, { method: 'POST', headers: asOperator(redrive) }).end()
      const [response] = await once(broken, 'response')
      const [line] = await once(response, 'data')
      expect(JSON.parse(String(line).split('\n')[0]!).redriven).toBeGreaterThan(0)
      broken.destroy()

      const rest = await send(redrive, { method: 'POST' })
      expect(JSON.parse(rest.text.trim().split('\n').at(-1)!).done).toBe(true)
      await until('all are done', async () => (await count(server, 'completed')) === DEAD, PATIENCE_MS)
      expect(upstream.calls.length - before).toBe(DEAD)
      expect(await count(server, 'dead')).toBe(0)
    },
    2 * PATIENCE_MS,
  )
}
