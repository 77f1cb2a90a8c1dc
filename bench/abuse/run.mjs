/**
 * What signed deliveries notice of somebody without a secret who opens, sends and leaves unread whatever they like: how long
 * they take beside it, how many are not answered 200, and the most memory that the server ever had. How long the server
 * waited for a processor, which others had, tells what the latencies are worth: with more than a second of eight, nothing.
 */
import { readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startHookonce, startWorker } from '../processes.mjs'
import { quantile, table } from '../report.mjs'
import { OPERATOR_TOKEN } from './abuse.config.mjs'

const CONFIG = ['--config', fileURLToPath(new URL('abuse.config.mjs', import.meta.url))]
const LOAD = { perSecond: 200, seconds: 8 }
const ATTACKS = Object.keys((await import('./attacks.mjs')).ATTACKS)

export async function measureAbuse(backends) {
  for (const [kind, backend] of Object.entries(backends)) {
    const rows = []
    for (const attack of ATTACKS) {
      const server = await startHookonce(backend.url, { HOOKONCE_ADMIN_TOKEN: OPERATOR_TOKEN }, CONFIG)
      const load = startWorker('abuse/signed.mjs')
      const attacker = startWorker('abuse/attacks.mjs')
      await load.ask({ url: `${server.url}/webhook`, perSecond: 200, seconds: 2 })
      const key = `large-${attack.length}`
      await fetch(`${server.url}/hooks/large`, { method: 'POST', body: '{}', headers: { 'x-idempotency-key': key } })
      await attacker.ask({ attack, url: server.url, key })
      const waitedBefore = secondsWaited(server.pid)
      const { latencies, bad } = await load.ask({ url: `${server.url}/webhook`, ...LOAD })
      const waited = secondsWaited(server.pid) - waitedBefore
      await setTimeout(500)
      const figures = [0.5, 0.99, 0.999].map(q => quantile(latencies, q).toFixed(1))
      const cpu = [cpuSeconds(server.pid), waited].map(seconds => seconds.toFixed(1))
      rows.push([attack, String(bad), ...figures, ...cpu, String(mostMegabytes(server.pid))])
      for (const each of [load, attacker, server]) each.end()
    }
    console.log(`${kind}: ${LOAD.perSecond} signed deliveries a second for ${LOAD.seconds} s`)
    console.log(table(['', 'not 200', 'p50 ms', 'p99 ms', 'p99.9 ms', 'CPU s', 'waited s', 'most MB'], rows))
  }
}

/** Of the process' whole life. */
function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** Of the thread that answers. Linux alone tells. */
function secondsWaited(pid) {
  return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e9
}

/** Of memory that the process had at any time. Linux alone tells. */
function mostMegabytes(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Math.round(Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)[1]) / 1024)
}
