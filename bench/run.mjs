/**
 * What Hookonce costs, as ratios within one run: machines differ and are noisy, so every round measures everybody in
 * turn, and the median over the rounds of each round's ratio is what counts. Servers are started here, and end with it.
 *
 *   npm run bench -- [--stores sqlite,memory,redis,postgres] [--rounds 7] [--seconds 3] [--connections 64]
 *     [--random-keys]
 *   npm run bench -- --inbox [--stores …] [--rounds 7]
 *   npm run bench -- --watched [--stores …] [--rounds 7] [--seconds 3]
 *   npm run bench -- --overload [--stores …]
 *   npm run bench -- --abuse [--stores …]
 *   npm run bench -- --slow-store [--stores …] [--seconds 120]
 *   npm run bench -- --retention [--stores …] [--seconds 300]
 *   npm run bench -- --operators 1000000 [--stores …]
 *   npm run bench -- --records 1000000 [--stores …] [--rounds 7] [--random-keys]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { measureAbuse } from './abuse/run.mjs'
import { measureAtSize } from './at-size/run.mjs'
import { BACKENDS } from './backends.mjs'
import { startContenders } from './contenders.mjs'
import { measureAcknowledgement } from './inbox/acknowledge.mjs'
import { measureInbox } from './inbox/run.mjs'
import { measureOperators } from './operators/run.mjs'
import { measureOverload } from './overload/run.mjs'
import { endAll } from './processes.mjs'
import { measurePush } from './push.mjs'
import { measureRetention } from './retention/run.mjs'
import { countRoundTrips } from './round-trips.mjs'
import { measureSlowStore } from './slow-store/run.mjs'
import { measureThroughput } from './throughput.mjs'
import { measureWatched } from './watched/run.mjs'

const { values: options } = parseArgs({
  options: {
    stores: { type: 'string', default: Object.keys(BACKENDS).join(',') },
    rounds: { type: 'string', default: '7' },
    seconds: { type: 'string' },
    connections: { type: 'string', default: '64' },
    inbox: { type: 'boolean', default: false },
    watched: { type: 'boolean', default: false },
    overload: { type: 'boolean', default: false },
    abuse: { type: 'boolean', default: false },
    'slow-store': { type: 'boolean', default: false },
    retention: { type: 'boolean', default: false },
    operators: { type: 'string' },
    'random-keys': { type: 'boolean', default: false },
    records: { type: 'string' },
  },
})
const kinds = options.stores.split(',')
const rounds = Number(options.rounds)
const seconds = Number(options.seconds ?? 3)
const connections = Number(options.connections)

const folder = mkdtempSync(join(tmpdir(), 'hookonce-bench-'))
const backends = {}

async function compare() {
  const contenders = {}
  for (const [kind, backend] of Object.entries(backends)) contenders[kind] = await startContenders(kind, backend)
  console.log(
    `${connections} connections, medians of ${rounds} rounds of ${seconds} s; the load runs on the same machine\n`,
  )
  await measureThroughput(contenders, { rounds, seconds, connections, random: options['random-keys'] })
  await countRoundTrips(contenders, backends, connections)
  await measurePush(backends)
}

try {
  for (const kind of kinds) {
    if (!(kind in BACKENDS)) throw new Error(`--stores takes ${Object.keys(BACKENDS).join(', ')}, not ${kind}`)
    backends[kind] = await BACKENDS[kind](folder)
  }
  const stores = Object.values(backends).map(({ about }) => about)
  console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0].model}; ${stores.join('; ')}`)
  if (options.inbox) {
    await measureInbox(backends, { rounds })
    await measureAcknowledgement(backends, { connections })
  } else if (options.watched) await measureWatched(backends, { rounds, seconds, connections })
  else if (options.overload) await measureOverload(backends)
  else if (options.abuse) await measureAbuse(backends)
  else if (options['slow-store']) await measureSlowStore(backends, { seconds: Number(options.seconds ?? 120) })
  else if (options.retention) await measureRetention(backends, { seconds: Number(options.seconds ?? 300) })
  else if (options.operators !== undefined) await measureOperators(backends, Number(options.operators))
  else if (options.records === undefined) await compare()
  else await measureAtSize(backends, { records: Number(options.records), rounds, random: options['random-keys'] })
} finally {
  endAll()
  for (const { stop } of Object.values(backends)) await stop()
  rmSync(folder, { recursive: true, force: true })
}
