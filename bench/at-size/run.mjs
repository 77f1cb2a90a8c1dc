/**
 * Whether a store with many records is as fast as one with a thousand: both in turn, in rounds. Each is in a process of
 * its own, on the same server where it has one. The store fills itself, so records are as it writes them.
 */
import { startWorker } from '../processes.mjs'
import { median, table } from '../report.mjs'

const FEW = 1_000
/** So few that a thousand records stay some thousands. */
const MEASURED_PAIRS = 4_000
/** What it takes until V8 has compiled what there is to compile. */
const WARMING_PAIRS = 20_000

export async function measureAtSize(backends, { records, rounds, random }) {
  const rows = []
  for (const [kind, backend] of Object.entries(backends)) {
    const few = startWorker('at-size/worker.mjs')
    const many = startWorker('at-size/worker.mjs')
    const filled = await many.ask({ open: { kind, ...backend.storeAt('many') }, records, random })
    process.stderr.write(`${kind}: ${records} records at ${Math.round(filled.perSecond)}/s\n`)
    await few.ask({ open: { kind, ...backend.storeAt('warming') }, records: WARMING_PAIRS, random })
    const pairs = []
    for (let round = 0; round < rounds; round++) {
      await few.ask({ open: { kind, ...backend.storeAt(`few_${round}`) }, records: FEW, random })
      const order = round % 2 === 0 ? ['few', 'many'] : ['many', 'few']
      const rates = {}
      for (const who of order) {
        rates[who] = (await { few, many }[who].ask({ pairs: MEASURED_PAIRS })).perSecond
      }
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
