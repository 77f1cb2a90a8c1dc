import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startPostgres } from '../test-servers/postgres.js'
import { startRedis } from '../test-servers/redis.js'
import { described } from './report.js'
import { fuzz } from './run/fuzz.js'
import { startLedger } from './run/ledger.js'
import { startFuzzedServer } from './run/server.js'

const USAGE = `npm run fuzz -- [--requests 200000] [--seed 1] [--store sqlite] [--only N]

  --requests  how many requests there are (default 200000)
  --seed      what they are made of (default: a new one, which is printed)
  --store     sqlite, memory, redis or postgres, each a new one; or a store URL (default sqlite)
  --only      one request of the seed alone, after what it needs
`

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '200000' },
    seed: { type: 'string' },
    store: { type: 'string', default: 'sqlite' },
    only: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (values.help) process.stdout.write(USAGE)
else process.exitCode = await main()

async function main(): Promise<number> {
  const requests = whole('requests', values.requests)
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : whole('seed', values.seed)
  const only = values.only === undefined ? {} : { only: whole('only', values.only) }
  console.log(`seed ${seed}, ${values.store.split(':')[0]}`)
  const store = await openStore(values.store)
  const ledger = await startLedger()
  try {
    const server = await startFuzzedServer({ storeUrl: store.url, ledger })
    const onProgress = ({ sent, faults, residentMiB }: { sent: number; faults: number; residentMiB: number }) => {
      if (process.stdout.isTTY) process.stdout.write(`\r${sent} sent, ${faults} faults, ${residentMiB.toFixed()} MiB  `)
    }
    const report = await fuzz({ target: server, ledger, seed, requests, ...only, onProgress })
    const ended = await server.stop()
    console.log(`\n${described(report, { seed, ended, errors: server.errors(), store: values.store })}`)
    return report.faults.length === 0 && ended === 0 ? 0 : 1
  } finally {
    ledger.close()
    await store.close()
  }
}

function whole(name: string, text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text)
  console.error(`--${name} must be a whole number, not ${text}\n\n${USAGE}`)
  process.exit(2)
}

async function openStore(named: string): Promise<{ url: string; close(): unknown }> {
  if (named === 'memory') return { url: 'memory:', close() {} }
  if (named === 'redis') {
    const { url, stop } = await startRedis()
    return { url, close: stop }
  }
  if (named === 'postgres') {
    const { url, stop } = await startPostgres()
    return { url, close: stop }
  }
  if (named !== 'sqlite') return { url: named, close() {} }
  const folder = mkdtempSync(join(tmpdir(), 'hookonce-fuzz-store-'))
  return { url: `sqlite:${join(folder, 'hookonce.db')}`, close: () => rmSync(folder, { recursive: true, force: true }) }
}
