import { setTimeout as sleep } from 'node:timers/promises'
import { redisStore } from 'hookonce/stores/redis'
import { expect, test } from 'vitest'
import { send } from '../support/http.js'
import { asOperator } from '../support/operator.js'
import { deliver } from './support/deliver.js'
import { type ServerProcess, startServer } from './support/server.js'
import { onRedis } from './support/stores.js'
import { onCleanup, until } from './support/until.js'

const DEAD = Number(process.env.HOOKONCE_TEST_DEAD ?? 10_000)
/** Of each of eight senders, after each delivery. */
const PAUSE_MS = 20

interface Progress {
  looked: number
  redriven: number
  done: boolean
  error?: string
}

const linesOf = (text: string): Progress[] =>
  text
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))

const redrive = (server: ServerProcess, query: string) =>
  send(`${server.url}/webhook/events/redrive?${query}`, { method: 'POST' })

onRedis(store => {
  /** A server that accepts and works on nothing, with so many dead deliveries, the model of the others among them. */
  async function startWithDead(count: number): Promise<ServerProcess> {
    const settings = store.fresh()
    const server = await startServer({
      ...settings,
      HOOKONCE_MODE: 'inbox',
      HOOKONCE_FORWARD_TO: 'http://127.0.0.1:1',
      HOOKONCE_INBOX_CONCURRENCY: 0,
    })
    await deliver(server, 'model')
    const [url, prefix] = [String(settings.HOOKONCE_STORE_URL), String(settings.HOOKONCE_REDIS_PREFIX)]
    const direct = redisStore(url, { prefix, commandTimeoutMs: 20_000 })
    onCleanup(() => direct.close())
    const { delivery } = (await direct.get({ scope: 'default', key: 'model' }))!
    const times = { retentionMs: 3_600_000, delayMs: 0 }
    for (let made = 1; made < count; made += 500) {
      const some = Array.from({ length: Math.min(500, count - made) }, (_, i) =>
        direct.accept({
          ...{ scope: 'default', key: `dead-${made + i}`, fingerprint: null, acceptId: `accept ${made + i}` },
          ...{ delivery: delivery!, group: null, ...times },
        }),
      )
      await Promise.all(some)
    }
    for (let round = 0; ; round++) {
      const attempt = { leaseId: `lease ${round}`, leaseMs: 3_600_000, lockTtlMs: 3_600_000, maxLosses: 10 }
      const taken = await direct.claimDue({ scope: 'default', limit: 500, ...attempt })
      if (taken.length === 0) return server
      await Promise.all(taken.map(claim => direct.fail(claim, attempt.leaseId, 'it broke', 'dead')))
    }
  }

  test('many dead deliveries are listed and redriven under traffic', async () => {
    const server = await startWithDead(DEAD)
    let going = true
    const times = new Map<string, number[]>()
    const timesIn = (name: string) => {
      const all = times.get(name) ?? []
      times.set(name, all)
      return all
    }
    let phase = 'nothing else'
    const failures: number[] = []
    const senders = Array.from({ length: 8 }, async (_, sender) => {
      for (let number = 0; going; number++) {
        const [during, sentAt] = [phase, performance.now()]
        const { status } = await deliver(server, `traffic-${sender}-${number}`)
        if (status !== 202) failures.push(status)
        const tookMs = performance.now() - sentAt
        if (during === phase) timesIn(phase).push(tookMs)
        await sleep(PAUSE_MS)
      }
    })
    onCleanup(() => {
      going = false
    })
    await until('there is traffic', () => timesIn(phase).length >= 200)

    phase = 'listing'
    const keys = new Set<string>()
    let pages = 0
    let longestMs = 0
    for (let after = ''; ; ) {
      const askedAt = performance.now()
      const { status, json } = await send(`${server.url}/webhook/events?state=dead&limit=500${after}`, {
        method: 'GET',
      })
      expect(status).toBe(200)
      longestMs = Math.max(longestMs, performance.now() - askedAt)
      pages++
      for (const { key } of json.events) keys.add(key)
      if (json.next === null) break
      after = `&after=${json.next}`
    }
    expect(keys.size).toBe(DEAD)

    phase = 'counting'
    const startedAt = performance.now()
    expect((await redrive(server, 'dry_run=true')).json).toEqual({ would_redrive: DEAD })
    const countedAt = performance.now()
    phase = 'redriving'
    const { status, text } = await redrive(server, `confirm=${DEAD}`)
    const endedAt = performance.now()
    going = false
    await Promise.all(senders)
    expect(status).toBe(200)
    expect(linesOf(text).at(-1)).toMatchObject({ redriven: DEAD, done: true })
    expect(failures).toEqual([])
    console.log(
      `${pages} pages, the longest ${longestMs.toFixed()} ms; counted in ${(countedAt - startedAt).toFixed()} ms, redriven in ${(endedAt - countedAt).toFixed()} ms`,
    )
    for (const [name, all] of times) {
      all.sort((a, b) => a - b)
      const at = (share: number) => all[Math.floor(all.length * share)]!.toFixed(1)
      console.log(`deliveries during ${name}: ${all.length}, median ${at(0.5)} ms, p99 ${at(0.99)} ms`)
    }
  }, 180_000)

  test('an interrupted redrive reports it in its last line and in the log; the next one continues', async () => {
    const server = await startWithDead(3_000)
    const url = `${server.url}/webhook/events/redrive?confirm=all`
    const response = await fetch(url, { method: 'POST', headers: asOperator(url) })
    expect(response.status).toBe(200)
    const reader = response.body!.getReader()
    let text = Buffer.from((await reader.read()).value!).toString()
    store.pauseServer()
    try {
      for (let read = await reader.read(); !read.done; read = await reader.read()) text += Buffer.from(read.value)
    } finally {
      store.resumeServer()
    }
    const last = linesOf(text).at(-1)!
    expect(last).toMatchObject({ done: false, error: expect.stringContaining('store') })
    const line = await until('it is logged', () =>
      server.logged('operator').find(({ action }) => action === 'redrive_many'),
    )
    expect(line).toMatchObject({ level: 'error', outcome: 'broken_off', count: last.redriven, error: last.error })

    const again = await until('the store is back', async () => {
      const answer = await redrive(server, 'confirm=all')
      return answer.status === 200 && answer
    })
    const rest = linesOf(again.text).at(-1)!
    expect(rest.done).toBe(true)
    // Those that were in doubt when it broke off may have been redriven.
    expect(last.redriven + rest.redriven).toBeGreaterThan(3_000 - 50)
    expect(last.redriven + rest.redriven).toBeLessThanOrEqual(3_000)
  })
})
