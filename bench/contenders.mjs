/** Who is measured on each store, running and with the same completed keys; and the load on one of them. */
import { startHookonce, startServer, startWorker } from './processes.mjs'

export const COMPLETED_KEYS = 5_000

export const PEERS = {
  '@node-idempotency/core 1.0.11': 'peers/node-idempotency.mjs',
  '@aws-lambda-powertools/idempotency 2.35.0': 'peers/powertools.mjs',
}

const load = startWorker('load.mjs')

/** Answers per second. */
export async function rate(job) {
  const { requests, seconds, bad } = await load.ask({ path: '/webhook', cached: false, ...job })
  if (bad > 0) throw new Error(`${bad} bad answers from ${job.url}`)
  return requests / seconds
}

/** URLs by name: `hookonce`, `floor`, and on Redis the peers. */
export async function startContenders(kind, backend) {
  const servers = {
    hookonce: await startHookonce(backend.url),
    floor: await startServer('floor/server.mjs', { STORE: kind, ADDRESS: backend.floorAddress }),
  }
  if (kind === 'redis') {
    for (const [name, script] of Object.entries(PEERS)) {
      servers[name] = await startServer(script, { ADDRESS: backend.floorAddress })
    }
  }
  const urls = Object.fromEntries(Object.entries(servers).map(([name, { url }]) => [name, url]))
  for (const url of Object.values(urls)) {
    await rate({ url, connections: 64, prefix: 'completed', keys: COMPLETED_KEYS, requests: COMPLETED_KEYS })
    await rate({ url, connections: 64, prefix: 'warm', seconds: 1 })
  }
  return urls
}
