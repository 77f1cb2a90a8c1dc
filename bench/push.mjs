/**
 * How much later a duplicate is answered that waits at another server than the one that does the work; with the store
 * pushing, and without.
 */
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { startHookonce } from './processes.mjs'
import { median, quantile, table } from './report.mjs'

const SAMPLES = 60
const AT_ONCE = 6
const CONFIG = ['--config', fileURLToPath(new URL('push.config.mjs', import.meta.url))]

export async function measurePush(backends) {
  const rows = []
  for (const [kind, backend] of Object.entries(backends)) {
    if (kind !== 'redis' && kind !== 'postgres') continue
    rows.push([kind, 'pushed', ...(await lags(backend, {}))])
    // For Postgres by a setting, for Redis by taking away what it takes.
    await backend.cutPush?.()
    rows.push([kind, 'cut off', ...(await lags(backend, { HOOKONCE_POSTGRES_LISTEN_URL: 'off' }))])
  }
  if (rows.length === 0) return
  console.log(
    `one delivery to each of two servers at once: the answer of the one that waits after the answer of the one that works`,
  )
  console.log(table(['store', 'changes are', 'median ms', 'p95 ms'], rows))
}

async function lags(backend, env) {
  const servers = [await startHookonce(backend.url, env, CONFIG), await startHookonce(backend.url, env, CONFIG)]
  const measured = []
  for (let samples = 0; samples < SAMPLES; samples += AT_ONCE) {
    measured.push(...(await Promise.all(Array.from({ length: AT_ONCE }, () => lag(servers)))))
  }
  for (const server of servers) server.end()
  return [median(measured).toFixed(1), quantile(measured, 0.95).toFixed(1)]
}

async function lag(servers) {
  const key = randomUUID()
  // Of different lengths, or the pauses between looks would always end at the same time before it.
  const workMs = 300 + 400 * Math.random()
  const answers = await Promise.all(servers.map(server => answered(server, key, workMs)))
  const executed = answers.find(({ isCached }) => !isCached)
  const waited = answers.find(({ isCached }) => isCached)
  if (executed === undefined || waited === undefined) throw new Error('not one of two was the duplicate')
  return waited.at - executed.at
}

async function answered({ url }, key, workMs) {
  const response = await fetch(`${url}/hooks/slow`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-idempotency-key': key },
    body: JSON.stringify({ workMs }),
  })
  await response.arrayBuffer()
  const at = performance.now()
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}`)
  return { at, isCached: response.headers.get('x-cached') === 'true' }
}
