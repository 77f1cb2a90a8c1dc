/**
 * What verification costs: the CPU of each scheme's verification, of a first delivery in the receiver without a sender
 * and with it, and verification's share of a first delivery that comes by HTTP: in memory, where it costs least, and to a
 * server with its default settings. Bodies of 1 KiB.
 *
 *   npm run build && node bench/verify/run.mjs [--rounds 7]
 */
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createReceiver, Delivery } from 'hookonce'
import { SENDERS } from 'hookonce/senders'
import { memoryStore } from 'hookonce/stores/memory'
import { endAll, startHookonce, startServer, startWorker } from '../processes.mjs'
import { median, table } from '../report.mjs'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '7' } } })
const ROUNDS = Number(values.rounds)
const DELIVERIES = 2_000
const BODY_BYTES = 1_024
const URL = 'https://hooks.example.com/hooks/x'

const text = () => randomBytes(32).toString('hex')

function ed25519Pair() {
  const { d, x } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  return Buffer.concat([Buffer.from(d, 'base64url'), Buffer.from(x, 'base64url')]).toString('hex')
}

const p256Key = () =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' })
    .privateKey.export({ format: 'der', type: 'pkcs8' })
    .toString('base64')

/** A sender of each scheme, and its secret. */
const SCHEMES = [
  ['token', 'bearer', text()],
  ['HMAC-SHA1', 'vercel', text()],
  ['HMAC-SHA256', 'github', text()],
  ['HMAC-SHA256, timestamp', 'stripe', text()],
  ['HMAC-SHA256, URL and timestamp', 'hubspot', text()],
  ['Ed25519', 'discord', ed25519Pair()],
  ['ECDSA P-256', 'sendgrid', p256Key()],
].map(([scheme, name, secret]) => {
  const kind = SENDERS.get(name)
  return { scheme, name, kind, sender: kind.create({ secrets: [secret], publicUrl: URL }) }
})

function deliveriesOf({ kind, sender }, round) {
  const now = Date.now()
  return Array.from({ length: DELIVERIES }, (_, at) => {
    const id = `${round}-${at}`
    const example = kind.example({ id, now })
    const body = Buffer.from(example.body.padEnd(BODY_BYTES))
    const signed = sender.sign({ method: 'POST', url: URL, body, id, now })
    return new Delivery({
      method: 'POST',
      url: '/hooks/x',
      headers: [
        ['content-type', example.contentType],
        ['x-idempotency-key', id],
        ...signed.filter(([name]) => name !== 'idempotency-key'),
      ],
      body,
    })
  })
}

/** µs of CPU for each of `times`. */
async function cpuOf(times, work) {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / times
}

const handler = () => ({ status: 200, headers: [], body: Buffer.from('{"ok":true}') })

function verifyAll(deliveries, { sender }) {
  const now = Date.now()
  for (const delivery of deliveries) {
    if (sender.verify(delivery, now) !== null) throw new Error(`${sender.facts.name}: its own signature is refused`)
  }
}

async function receiveAll(deliveries, sender) {
  const hooks = createReceiver({ store: memoryStore() }).source({ name: 'x', ...(sender && { sender }) })
  for (const delivery of deliveries) {
    const { outcome } = await hooks.receive(delivery, handler)
    if (outcome !== 'executed') throw new Error(`a first delivery was ${outcome}`)
  }
}

async function measure(scheme, round) {
  const deliveries = deliveriesOf(scheme, round)
  return {
    verify: await cpuOf(DELIVERIES, () => verifyAll(deliveries, scheme)),
    without: await cpuOf(DELIVERIES, () => receiveAll(deliveries)),
    with: await cpuOf(DELIVERIES, () => receiveAll(deliveries, scheme.sender)),
  }
}

/** Who answers first deliveries without a sender, and how many come at once. */
const BASES = {
  'in memory, 64 at once': { start: () => startServer('verify/server.mjs'), cpu: ownCpu, connections: 64 },
  'server on SQLite, 64 at once': { start: startOnSqlite, cpu: serverCpu, connections: 64 },
  'server on SQLite, one at a time': { start: startOnSqlite, cpu: serverCpu, connections: 1, requests: 500 },
}

function startOnSqlite() {
  return startHookonce(`sqlite:${join(folder, `${randomUUID()}.db`)}`)
}

async function ownCpu(url) {
  return Number(await (await fetch(`${url}/cpu`)).text())
}

/** All of its threads', as it tells it. */
async function serverCpu(url) {
  const metrics = await (await fetch(`${url}/metrics`)).text()
  return Number(/^process_cpu_seconds_total ([\d.e-]+)/m.exec(metrics)[1]) * 1e6
}

/** µs of CPU for a first delivery by HTTP, after warming up. */
async function firstDelivery({ start, cpu, connections, requests = 20_000 }) {
  const { url, end } = await start()
  const deliver = async prefix => {
    const sent = { url, path: '/webhook', connections, requests, prefix, cached: false, bodyBytes: BODY_BYTES }
    const { bad } = await load.ask(sent)
    if (bad > 0) throw new Error(`${bad} bad answers`)
  }
  await deliver('warm')
  const measured = []
  for (let round = 0; round < ROUNDS; round++) {
    const before = await cpu(url)
    await deliver(`round-${round}`)
    measured.push(((await cpu(url)) - before) / requests)
  }
  end()
  return median(measured)
}

const folder = mkdtempSync(join(tmpdir(), 'hookonce-bench-'))
const load = startWorker('load.mjs')
const bases = {}
for (const [name, base] of Object.entries(BASES)) bases[name] = await firstDelivery(base)
endAll()
rmSync(folder, { recursive: true, force: true })

const measured = SCHEMES.map(() => [])
for (let round = -1; round < ROUNDS; round++) {
  for (const [at, scheme] of SCHEMES.entries()) {
    const figures = await measure(scheme, round)
    // The first round is for V8 to compile what there is to compile.
    if (round >= 0) measured[at].push(figures)
  }
}

console.log(`µs of CPU, medians of ${ROUNDS} rounds, and the share of verification in a first delivery by HTTP:`)
for (const [name, cpu] of Object.entries(bases)) console.log(`- ${name}: ${cpu.toFixed(0)} without a sender`)
console.log(
  table(
    ['scheme', 'sender', 'verification', 'receiver without', 'with it', ...Object.keys(bases)],
    SCHEMES.map(({ scheme, name }, at) => {
      const of = figure => median(measured[at].map(each => each[figure]))
      const shares = Object.values(bases).map(cpu => `${((100 * of('verify')) / (cpu + of('verify'))).toFixed(0)} %`)
      return [scheme, name, ...['verify', 'without', 'with'].map(each => of(each).toFixed(1)), ...shares]
    }),
  ),
)
