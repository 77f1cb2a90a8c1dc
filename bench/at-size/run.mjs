/**
 * Whether a store with many records is as fast as one with a thousand: both in turn, in rounds. Each is in a process of
 * its own, on the same server where it has one. The store fills itself, so records are as it writes them, and is then
 * opened by a process that has not filled it, so that both processes did the same before they are measured.
 */
import { startWorker } from '../processes.mjs'
import { median, table } from '../report.mjs'

const FEW = 1_000
const MEASURED_PAIRS = 4_000
/** What it takes until V8 has compiled what there is to compile, in a store's own thread too: so each stays open. */
const WARMING_ROUNDS = 5

export async function measureAtSize(backends, { records, rounds, random }) {
  const rows = []
  for (const [kind, backend] of Object.entries(backends)) {
    const [few, many] = [
      await startFilled(kind, backend, FEW, random),
      await startFilled(kind, backend, records, random),
    ]
    const measure = {
      few: () => few.ask({ pairs: MEASURED_PAIRS, forget: true }),
      many: () => many.ask({ pairs: MEASURED_PAIRS }),
    }
    for (let round = 0; round < WARMING_ROUNDS; round++) for (const warm of Object.values(measure)) await warm()
    const pairs = []
    for (let round = 0; round < rounds; round++) {
      const order = round % 2 === 0 ? ['few', 'many'] : ['many', 'few']
      const rates = {}
      for (const who of order) rates[who] = (await measure[who]()).perSecond
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

async function startFilled(kind, backend, records, random) {
  const open = { kind, ...backend.storeAt(`with_${records}`) }
  const filler = startWorker('at-size/worker.mjs')
  const { perSecond } = await filler.ask({ open, records, random })
  process.stderr.write(`${kind}: ${records} records at ${Math.round(perSecond)}/s\n`)
  // Nobody else can open it.
  if (backend.store === undefined) return filler
  filler.end()
  const worker = startWorker('at-size/worker.mjs')
  await worker.ask({ open, records: 0, random, counted: records })
  return worker
}
