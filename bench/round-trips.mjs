/** How often a delivery asks the server of its store, by the server's own statistics. */
import { COMPLETED_KEYS, rate } from './contenders.mjs'
import { table } from './report.mjs'

/** Enough that the server's look after its store from second to second does not show. */
const DELIVERIES = 1_000

export async function countRoundTrips(contenders, backends, connections) {
  const rows = []
  for (const [kind, { statistics }] of Object.entries(backends)) {
    if (statistics === undefined) continue
    for (const [who, url] of Object.entries(contenders[kind])) {
      for (const together of [1, connections]) {
        const job = { url, connections: together, requests: DELIVERIES }
        const first = await statistics.counted(() => rate({ ...job, prefix: `counted-${together}` }))
        const duplicate = await statistics.counted(() =>
          rate({ ...job, prefix: 'completed', keys: COMPLETED_KEYS, cached: true }),
        )
        rows.push([kind, who, String(together), described(first), described(duplicate)])
      }
    }
  }
  if (rows.length === 0) return
  console.log('asked of the server per delivery; what scripts do in the server is in brackets')
  console.log(table(['store', 'who', 'connections', 'first', 'duplicate'], rows))
}

function described(calls) {
  const each = Object.entries(calls)
    .map(([name, times]) => ({ name, text: `${name} ${(times / DELIVERIES).toFixed(2)}` }))
    .filter(({ text }) => !text.endsWith(' 0.00'))
  const scripts = each.filter(({ name }) => name === 'evalsha')
  if (scripts.length === 0) return each.map(({ text }) => text).join(', ')
  const within = each.filter(({ name }) => name !== 'evalsha')
  return `${scripts[0].text} (${within.map(({ text }) => text).join(', ')})`
}
