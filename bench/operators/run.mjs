/** How long the operators' routes take over a store with many records, asked one after the other. */
import { fileURLToPath } from 'node:url'
import { startHookonce, startWorker } from '../processes.mjs'
import { median, table } from '../report.mjs'

const CONFIG = ['--config', fileURLToPath(new URL('partner.config.mjs', import.meta.url))]
const TIMES = 20
const TOKEN = 'the-token-of-the-benchmark'

export async function measureOperators(backends, records) {
  const columns = {}
  for (const [kind, { url, store }] of Object.entries(backends)) {
    if (store === undefined) {
      process.stderr.write(`${kind}: left out, for nobody but the server itself can fill it\n`)
      continue
    }
    const filler = startWorker('operators/fill.mjs')
    const some = await filler.ask({ open: { kind, ...store }, records, sample: TIMES })
    filler.end()
    process.stderr.write(`${kind}: filled\n`)
    const server = await startHookonce(url, { HOOKONCE_ADMIN_TOKEN: TOKEN }, CONFIG)
    columns[kind] = await measureRoutes(server.url, some)
    server.end()
  }
  console.log(`over ${records} records, ${TIMES} times each by fetch: median and longest, ms`)
  const routes = Object.keys(Object.values(columns)[0] ?? {})
  const cell = values => `${median(values).toFixed(1)}, ${Math.max(...values).toFixed(1)}`
  const rows = routes.map(route => [route, ...Object.values(columns).map(column => cell(column[route]))])
  console.log(table(['', ...Object.keys(columns)], rows))
}

async function measureRoutes(url, some) {
  const ask = async path => {
    const startedAt = performance.now()
    const answer = await fetch(url + path, { headers: { authorization: `Bearer ${TOKEN}` } })
    const body = await answer.json()
    if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}`)
    return { ms: performance.now() - startedAt, body }
  }
  const times = async pathOf => {
    const taken = []
    for (let time = 0; time < TIMES; time++) taken.push((await ask(pathOf(time))).ms)
    return taken
  }
  const paging = async () => {
    const taken = []
    let after = ''
    for (let page = 0; page < TIMES && after !== undefined; page++) {
      const { ms, body } = await ask(`/api/records${after && `?after=${encodeURIComponent(after)}`}`)
      taken.push(ms)
      after = body.next
    }
    return taken
  }
  const ofRecord = time => {
    const { scope, key } = some[time]
    return `/api/record?${new URLSearchParams({ source: scope, key })}`
  }
  return {
    overview: await times(() => '/api/overview'),
    'a page, and the next': await paging(),
    'the first page of a source': await times(() => '/api/records?source=partner'),
    'one in a thousand, by state': await times(() => '/api/records?state=failed'),
    'a state that none has': await times(() => '/api/records?state=dead'),
    'a record by its key': await times(ofRecord),
  }
}
