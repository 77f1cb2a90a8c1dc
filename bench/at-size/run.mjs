/**
 * Whether a store with many records is as fast as one with a thousand: both in turn, in rounds. Each is in a process of
 * its own, on the same server where it has one. The store fills itself, so records are as it writes them, and is then
 * opened by a process that has not filled it, so that both processes did the same before they are measured. What a
 * round adds is deleted after it, in both. The memory store is left out: nobody else can open it.
 */
import { startWorker } from '../processes.mjs'
import { median, table } from '../report.mjs'

const FEW = 1_000
/**
 * So many at a time, so that few stay few, and so many times a round. In all no more than there is room for in Redis' table
 * of a million: what is deleted leaves a mark there, and at 2^20 keys the table grows, which is another thing to measure.
 */
const MEASURED_PAIRS = 1_000
const MEASURED_TIMES = 5
/** What it takes until V8 has compiled what there is to compile, in a store's own thread too: so each stays open. */
const WARMING_ROUNDS = 2

export async function measureAtSize(backends, { records, rounds, random }) {
  const rows = []
  for (const [kind, backend] of Object.entries(backends)) {
    if (backend.store === undefined) continue
    const few = await startFilled(kind, backend, FEW, random)
    const many = await startFilled(kind, backend, records, random)
    const measure = { few: () => rateOf(few, FEW), many: () => rateOf(many, records) }
    for (let round = 0; round < WARMING_ROUNDS; round++) for (const warm of Object.values(measure)) await warm()
    const pairs = []
    for (let round = 0; round < rounds; round++) {
      const order = round % 2 === 0 ? ['few', 'many'] : ['many', 'few']
      const rates = {}
      for (const who of order) rates[who] = await measure[who]()
      pairs.push(rates)
    }
    few.end()
    many.end()
    const perSecond = who => String(Math.round(median(pairs.map(rates => rates[who]))))
    rows.push([kind, perSecond('few'), perSecond('many'), median(pairs.map(({ few, many }) => many / few)).toFixed(2)])
  }
  console.log(`claims with their completions per second, 64 at a time, ${random ? 'random' : 'counted'} keys`)
  console.log(table(['store', `${FEW} records`, `${records} records`, 'ratio'], rows))
}

async function rateOf(worker, records) {
  let seconds = 0
  for (let time = 0; time < MEASURED_TIMES; time++) {
    seconds += MEASURED_PAIRS / (await worker.ask({ pairs: MEASURED_PAIRS, in: records })).perSecond
  }
  return (MEASURED_PAIRS * MEASURED_TIMES) / seconds
}

async function startFilled(kind, backend, records, random) {
  const asked = { open: { kind, ...backend.storeAt(`with_${records}`) }, as: records, random }
  const filler = startWorker('at-size/worker.mjs')
  const { perSecond } = await filler.ask({ ...asked, records })
  process.stderr.write(`${kind}: ${records} records at ${Math.round(perSecond)}/s\n`)
  filler.end()
  const worker = startWorker('at-size/worker.mjs')
  await worker.ask({ ...asked, records: 0, counted: records })
  return worker
}
