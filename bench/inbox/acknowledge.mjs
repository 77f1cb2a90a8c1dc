/** How soon deliveries are acknowledged at half of what a server can take, while every handler works for two seconds. */
import { fileURLToPath } from 'node:url'
import { rate } from '../contenders.mjs'
import { startHookonce, startWorker } from '../processes.mjs'
import { quantile, table } from '../report.mjs'

const CONFIG = ['--config', fileURLToPath(new URL('slow.config.mjs', import.meta.url))]
const PATH = '/hooks/slow'
const CAPACITY_SECONDS = 3
const PACED_SECONDS = 15

export async function measureAcknowledgement(backends, { connections }) {
  const rows = []
  for (const [kind, backend] of Object.entries(backends)) {
    const { url, end } = await startHookonce(backend.url, { HOOKONCE_INBOX_CONCURRENCY: '100' }, CONFIG)
    const load = { url, path: PATH, connections, seconds: CAPACITY_SECONDS }
    await rate({ ...load, prefix: 'warm' })
    const capacity = await rate({ ...load, prefix: 'capacity' })
    const paced = startWorker('paced.mjs')
    const asked = { url: url + PATH, perSecond: capacity / 2, seconds: PACED_SECONDS }
    const { 200: latencies, ...bad } = (await paced.ask(asked)).latencies
    if (Object.keys(bad).length > 0) throw new Error(`answers of status ${Object.keys(bad)}`)
    paced.end()
    end()
    const ms = q => quantile(latencies, q).toFixed(1)
    rows.push([
      kind,
      String(Math.round(capacity)),
      String(Math.round(latencies.length / PACED_SECONDS)),
      ms(0.5),
      ms(0.99),
    ])
  }
  console.log('acknowledgements while handlers work for 2 s')
  console.log(table(['store', 'capacity per s', 'asked per s', 'median ms', 'p99 ms'], rows))
}
