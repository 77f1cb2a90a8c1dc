/**
 * How large a store gets whose records expire as fast as they come: two servers under full load that keep a result for
 * five seconds. Each half minute it tells how many records there are, expired ones too, what room they take, and for how long
 * the oldest has been expired. Redis shows nobody what is expired: of its keys it tells how many are, by its own sample.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { startHookonce, startWorker } from '../processes.mjs'
import { table } from '../report.mjs'
import { openGauge } from './gauges.mjs'

const RETENTION_SECONDS = 5
const CONNECTIONS = 32
const EVERY_SECONDS = 30

export async function measureRetention(backends, { seconds }) {
  for (const [kind, backend] of Object.entries(backends)) {
    if (backend.store === undefined) continue
    const env = { HOOKONCE_TTL_SECONDS: String(RETENTION_SECONDS) }
    const servers = [await startHookonce(backend.url, env), await startHookonce(backend.url, env)]
    const gauge = await openGauge(kind, backend)
    const loads = servers.map(({ url }, number) => {
      const load = startWorker('load.mjs')
      const asked = { url, path: '/webhook', connections: CONNECTIONS, seconds, prefix: `of-${number}`, cached: false }
      return { answer: load.ask(asked), end: load.end }
    })
    const rows = []
    for (let passed = EVERY_SECONDS; passed <= seconds; passed += EVERY_SECONDS) {
      await delay(1000 * EVERY_SECONDS)
      const { records, bytes, expiredForSeconds, expiredPercent } = await gauge.read()
      const expired = [expiredForSeconds?.toFixed(1) ?? '', expiredPercent?.toFixed(1) ?? '']
      rows.push([String(passed), String(records), (bytes / 1e6).toFixed(1), ...expired])
      process.stderr.write(`${kind}: ${rows.at(-1).join('  ')}\n`)
    }
    const answers = await Promise.all(loads.map(({ answer }) => answer))
    const perSecond = answers.reduce((sum, { requests, seconds }) => sum + requests / seconds, 0)
    const bad = answers.reduce((sum, { bad }) => sum + bad, 0)
    await gauge.close()
    for (const { end } of [...loads, ...servers]) end()
    console.log(
      `${kind}: ${Math.round(perSecond)} first deliveries a second, kept for ${RETENTION_SECONDS} s; ${bad} not 200`,
    )
    console.log(table(['after s', 'records', 'MB', 'oldest expired for s', 'expired %'], rows))
  }
}
