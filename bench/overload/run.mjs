/**
 * What becomes of deliveries while three times as many come as a server has room for: how long those take that it lets in,
 * and those that it refuses, whether all that were let in have their record and ran once, and what memory it needs.
 */
import { fileURLToPath } from 'node:url'
import { startHookonce, startWorker } from '../processes.mjs'
import { quantile, table } from '../report.mjs'
import { HANDLER_MS } from './busy.config.mjs'

const CONFIG = ['--config', fileURLToPath(new URL('busy.config.mjs', import.meta.url))]
const ROOM = 60
const CAPACITY = (ROOM * 1000) / HANDLER_MS
const NORMAL = { perSecond: CAPACITY / 2, seconds: 15 }
const OVERLOAD = { perSecond: CAPACITY * 3, seconds: 60 }
const REPLAYS_PER_SECOND = 5_000
const PHASES = { normal: NORMAL, overload: OVERLOAD, 'once more': OVERLOAD, 'normal again': NORMAL }

export async function measureOverload(backends) {
  for (const [kind, backend] of Object.entries(backends)) {
    const server = await startHookonce(backend.url, { HOOKONCE_MAX_IN_FLIGHT: String(ROOM) }, CONFIG)
    const url = `${server.url}/hooks/busy`
    const paced = startWorker('paced.mjs')
    const rows = []
    let runs = 0
    for (const [phase, load] of Object.entries(PHASES)) {
      const memory = watchMemory(server.url, load.seconds * 500)
      const { latencies, executed } = await paced.ask({ url, ...load })
      const mostMegabytes = await memory.end()
      const { 200: accepted, 503: refused = [], ...bad } = latencies
      if (Object.keys(bad).length > 0) throw new Error(`${kind}: answers of status ${Object.keys(bad)}`)
      // Fewer at once than there is room for: none of these is refused.
      const replays = { perSecond: REPLAYS_PER_SECOND, connections: ROOM / 2, keys: executed }
      const { cached = [], ...others } = (await paced.ask({ url, ...replays })).latencies
      if (Object.keys(others).length > 0) {
        const answers = Object.entries({ cached, ...others }).map(([status, { length }]) => `${length} ${status}`)
        throw new Error(`${kind}: ${executed.length} accepted deliveries, sent again: ${answers.join(', ')}`)
      }
      runs += accepted.length
      const told = await metric(server.url, 'hookonce_attempts_total{source="busy",end="recorded"}')
      if (told !== runs) throw new Error(`${kind}: ${told} runs of ${runs} accepted deliveries`)
      const p99 = values => (values.length === 0 ? '' : quantile(values, 0.99).toFixed(1))
      const counts = [load.perSecond, accepted.length, refused.length, ...mostMegabytes].map(String)
      rows.push([phase, ...counts, p99(accepted), p99(refused)])
    }
    paced.end()
    server.end()
    console.log(`${kind}: a handler of ${HANDLER_MS} ms, room for ${ROOM}, so ${CAPACITY} a second`)
    const counts = ['asked per s', 'accepted', 'refused', 'MB in 1st half', 'MB in 2nd half']
    console.log(table(['', ...counts, 'p99 ms accepted', 'p99 ms refused'], rows))
  }
}

/** The most memory that the server needs in each half of a load. */
function watchMemory(url, halfMs) {
  const startedAt = performance.now()
  const most = [0, 0]
  let looking = Promise.resolve()
  const look = async () => {
    const half = performance.now() - startedAt < halfMs ? 0 : 1
    const bytes = await metric(url, 'process_resident_memory_bytes')
    most[half] = Math.max(most[half], Math.round(bytes / 1024 / 1024))
  }
  const timer = setInterval(() => {
    looking = looking.then(look)
  }, 1_000)
  return {
    async end() {
      clearInterval(timer)
      await looking
      return most
    },
  }
}

async function metric(url, name) {
  const lines = (await (await fetch(`${url}/metrics`)).text()).split('\n')
  const line = lines.find(line => line.startsWith(`${name} `))
  if (line === undefined) throw new Error(`/metrics tells no ${name}`)
  return Number(line.slice(name.length))
}
