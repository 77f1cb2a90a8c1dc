/**
 * What metrics and an open dashboard cost: a server with both beside one with nobody listening. Each round starts both anew,
 * for two processes of the same program differ by some percent as long as they run.
 */
import { COMPLETED_KEYS, rate } from '../contenders.mjs'
import { startHookonce } from '../processes.mjs'
import { median, table } from '../report.mjs'

const UNHEARD = { NODE_OPTIONS: `--import ${new URL('unheard.mjs', import.meta.url)}` }
const TURNS = 4

export async function measureWatched(backends, { rounds, seconds, connections }) {
  const rows = []
  for (const [kind, { url }] of Object.entries(backends)) {
    const measured = { first: [], duplicate: [] }
    for (let round = 0; round < rounds; round++) {
      const rates = await measureRound(url, round, { connections, seconds: seconds / TURNS })
      for (const delivery of ['first', 'duplicate']) measured[delivery].push(rates[delivery])
      process.stderr.write(`${kind}: round ${round + 1} of ${rounds}\n`)
    }
    for (const [delivery, rates] of Object.entries(measured)) {
      const perSecond = who => String(Math.round(median(rates.map(round => round[who]))))
      const ratio = median(rates.map(({ watched, unheard }) => watched / unheard)).toFixed(2)
      rows.push([kind, delivery, perSecond('unheard'), perSecond('watched'), ratio])
    }
  }
  console.log("nobody listening to the receiver; with metrics and the dashboard's stream open")
  console.log(table(['store', 'deliveries', 'unheard per s', 'watched per s', 'ratio'], rows))
}

async function measureRound(storeUrl, round, load) {
  const watched = await startHookonce(storeUrl)
  const unheard = await startHookonce(storeUrl, UNHEARD)
  const dashboard = new AbortController()
  await openDashboard(watched.url, dashboard.signal)
  const servers = Object.entries({ watched, unheard })
  for (const [who, { url }] of servers) {
    const prefix = `completed-${round}-${who}`
    await rate({ ...load, url, seconds: undefined, prefix, keys: COMPLETED_KEYS, requests: COMPLETED_KEYS })
    await rate({ ...load, url, seconds: 1, prefix: `warm-${round}-${who}` })
  }
  const rates = { first: { watched: 0, unheard: 0 }, duplicate: { watched: 0, unheard: 0 } }
  for (let turn = 0; turn < TURNS; turn++) {
    // Whoever is measured first in one turn is last in the next.
    for (const [who, { url }] of turn % 2 === 0 ? servers : servers.toReversed()) {
      const completed = { prefix: `completed-${round}-${who}`, keys: COMPLETED_KEYS, cached: true }
      rates.first[who] += (await rate({ ...load, url, prefix: `turn-${round}-${turn}-${who}` })) / TURNS
      rates.duplicate[who] += (await rate({ ...load, url, ...completed })) / TURNS
    }
  }
  dashboard.abort()
  for (const [, { end }] of servers) end()
  return rates
}

async function openDashboard(url, signal) {
  const stream = await fetch(`${url}/api/stream`, { signal })
  if (stream.status !== 200) throw new Error(`/api/stream answered ${stream.status}`)
  const read = async () => {
    for await (const _ of stream.body);
  }
  read().catch(() => {})
}
