/**
 * What it costs to accept and to work later: accepting beside a first claim, and accepting with processing beside the
 * store's own operations in a bare loop (the floor) and beside queues that do nothing else, on the same server.
 */
import { startWorker } from '../processes.mjs'
import { median, table } from '../report.mjs'

const ACCEPTED = 4_000
const PROCESSED = 4_000

/** Queues by store: who keeps a job once for its id, stores it durably and processes it. */
const QUEUES = {
  redis: { 'bullmq 6.7.0': 'inbox/bullmq.mjs' },
  postgres: { 'pg-boss 10.4.2': 'inbox/pg-boss.mjs' },
}

export async function measureInbox(backends, { rounds }) {
  for (const [kind, backend] of Object.entries(backends)) {
    const workers = await startWorkers(kind, backend)
    const measured = []
    for (let round = 0; round < rounds; round++) {
      const { store, floor, ...others } = workers
      const rates = {
        claim: await perSecond(store, { claims: ACCEPTED }),
        accept: await perSecond(store, { accepts: ACCEPTED }),
      }
      const order = Object.entries({ floor, ...others })
      for (const [who, worker] of round % 2 === 0 ? order : order.reverse()) {
        rates[who] = await perSecond(worker, { events: PROCESSED })
      }
      measured.push(rates)
      process.stderr.write(`${kind}: round ${round + 1} of ${rounds}\n`)
    }
    for (const worker of Object.values(workers)) worker.end()
    print(kind, measured)
  }
}

async function startWorkers(kind, backend) {
  const own = name => ({ open: { kind, ...backend.storeAt(name) } })
  const workers = {
    store: startWorker('inbox/store.mjs'),
    floor: startWorker('inbox/store.mjs'),
    hookonce: startWorker('inbox/hookonce.mjs'),
  }
  for (const [name, worker] of Object.entries(workers)) await worker.ask(own(`inbox_${name}`))
  for (const [name, script] of Object.entries(QUEUES[kind] ?? {})) {
    workers[name] = startWorker(script)
    await workers[name].ask(own('inbox_queue'))
  }
  // What it takes until V8 has compiled what there is to compile.
  for (const worker of Object.values(workers)) await worker.ask({ events: PROCESSED })
  await workers.store.ask({ claims: ACCEPTED })
  await workers.store.ask({ accepts: ACCEPTED })
  return workers
}

const perSecond = async (worker, message) => (await worker.ask(message)).perSecond

function print(kind, measured) {
  const rate = who => String(Math.round(median(measured.map(rates => rates[who]))))
  const ratio = (who, to) => median(measured.map(rates => rates[who] / rates[to])).toFixed(2)
  const rows = [
    [kind, 'claim', rate('claim'), ''],
    [kind, 'accept', rate('accept'), `${ratio('accept', 'claim')} of claim`],
  ]
  for (const who of Object.keys(measured[0]).filter(name => name !== 'claim' && name !== 'accept')) {
    rows.push([kind, `${who}: accept and process`, rate(who), `${ratio(who, 'floor')} of the floor`])
  }
  console.log(table(['store', 'who', 'per s', 'ratio'], rows))
}
