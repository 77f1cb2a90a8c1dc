/**
 * What becomes of deliveries while a store answers in 0.5 to 3 s, with default settings: two servers share it, Redis and
 * Postgres behind a proxy that delays each answer, SQLite beside a process that holds the write lock as long. Whatever is
 * acknowledged must have run, once, within a minute after; nothing else may run, and nothing be dead.
 */
import { createServer } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { startHookonce, startWorker } from '../processes.mjs'
import { quantile, table } from '../report.mjs'
import { startSlowProxy } from './proxy.mjs'
import { send } from './senders.mjs'

const ANSWERS_MS = [0.5, 3].map(seconds => 1000 * seconds)
const PER_SECOND = 20
const HANDLER_MS = 20
const AFTERWARDS_MS = 60_000
const TOKEN = 'the-token-of-this-measurement'

export async function measureSlowStore(backends, { seconds }) {
  const rows = []
  for (const [kind, backend] of Object.entries(backends)) {
    if (backend.store === undefined) continue
    for (const mode of ['inline', 'inbox']) {
      const store = await slowStore(kind, backend.storeAt(`slow_${mode}`), seconds)
      const figures = await measure(store, mode, seconds)
      store.end()
      rows.push([kind, mode, ...figures])
    }
  }
  console.log(
    `a store that answers in ${ANSWERS_MS.join(' to ')} ms for ${seconds} s, ${PER_SECOND} deliveries a second`,
  )
  const heads = ['delivered', 'answers', '503', 'p50 ms', 'p99 ms', 'acknowledged p99 ms', 'runs', 'all done after s']
  console.log(table(['store', 'mode', ...heads], rows))
}

/** Its settings, and what makes it slow for so many seconds. */
async function slowStore(kind, { path, url, schema }, seconds) {
  const [leastMs, mostMs] = ANSWERS_MS
  if (kind === 'sqlite') {
    const holder = startWorker('slow-store/lock-holder.mjs')
    return {
      settings: { HOOKONCE_STORE_URL: `sqlite:${path}` },
      beSlow: () => holder.ask({ path, leastMs, mostMs, seconds }),
      end: () => holder.end(),
    }
  }
  const proxy = await startSlowProxy(url)
  return {
    settings: { HOOKONCE_STORE_URL: proxy.url, ...(schema && { HOOKONCE_POSTGRES_SCHEMA: schema }) },
    async beSlow() {
      proxy.slowDown(() => leastMs + Math.random() * (mostMs - leastMs))
      await delay(1000 * seconds)
      proxy.recover()
    },
    end: () => proxy.end(),
  }
}

async function measure({ settings, beSlow }, mode, seconds) {
  const application = await startApplication()
  const env = { ...settings, HOOKONCE_MODE: mode, HOOKONCE_FORWARD_TO: application.url, HOOKONCE_ADMIN_TOKEN: TOKEN }
  const servers = [await startHookonce('', env), await startHookonce('', env)]
  const urls = servers.map(({ url }) => url)
  let recoveredAt = Number.POSITIVE_INFINITY
  const slow = beSlow().then(() => {
    recoveredAt = performance.now()
  })
  const keys = await send(urls, { perSecond: PER_SECOND, seconds, giveUpAt: () => recoveredAt + AFTERWARDS_MS })
  await slow
  const undone = () => [...keys.keys()].filter(key => !application.calls.has(key))
  while (undone().length > 0 && performance.now() < recoveredAt + AFTERWARDS_MS) await delay(100)
  const doneAfterMs = Math.max(0, application.lastAt() - recoveredAt)
  // What is about to run once more has its time, too.
  await delay(3_000)

  const told = [...keys.values()]
  const answers = told.flatMap(({ answers }) => answers)
  const runs = [...application.calls.values()].reduce((sum, count) => sum + count, 0)
  const problems = {
    'never acknowledged': told.filter(({ acknowledgedAfterMs }) => acknowledgedAfterMs === undefined).length,
    'never run': undone().length,
    'run more than once': [...application.calls.values()].filter(count => count > 1).length,
    'run though nobody asked': [...application.calls.keys()].filter(key => !keys.has(key)).length,
    'answered in two ways': told.filter(({ bodies }) => bodies.size > 1).length,
    'answered with another status': answers.filter(({ status }) => ![200, 202, 409, 503].includes(status)).length,
    'not completed': await notCompleted(urls[0], keys),
  }
  for (const server of servers) server.end()
  application.end()
  for (const [problem, count] of Object.entries(problems)) {
    if (count > 0) console.error(`${settings.HOOKONCE_STORE_URL} ${mode}: ${count} ${problem}`)
  }
  if (Object.values(problems).some(count => count > 0)) process.exitCode = 1
  const ms = (values, q) => String(Math.round(quantile(values, q)))
  const latencies = answers.map(({ ms }) => ms)
  const refused = answers.filter(({ status }) => status === 503).length
  const acknowledged = told.flatMap(({ acknowledgedAfterMs }) => acknowledgedAfterMs ?? [])
  const counts = [keys.size, answers.length, refused, ms(latencies, 0.5), ms(latencies, 0.99), ms(acknowledged, 0.99)]
  return [...counts, runs, (doneAfterMs / 1000).toFixed(1)].map(String)
}

/** Forwarded to; counts what runs. */
async function startApplication() {
  const calls = new Map()
  let lastAt = 0
  const server = createServer((request, response) => {
    const key = String(request.headers['idempotency-key'])
    calls.set(key, (calls.get(key) ?? 0) + 1)
    lastAt = performance.now()
    request.resume()
    setTimeout(() => response.end(`${key}: ${lastAt}`), HANDLER_MS)
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    calls,
    lastAt: () => lastAt,
    end() {
      server.close()
      server.closeAllConnections()
    },
  }
}

async function notCompleted(url, keys) {
  let count = 0
  for (const key of keys.keys()) {
    const path = `/webhook/idempotency/${key}`
    const response = await fetch(url + path, { headers: { authorization: `Bearer ${TOKEN}` } })
    const record = await response.json()
    if (record.state !== 'completed') count++
  }
  return count
}
