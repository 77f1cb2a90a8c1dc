import type { CommandStore } from './command-store.js'
import type { StoreCommand } from './parse.js'
import { Progress, print, printJson, printTable } from './print.js'

const PAGE = 1_000
/** Every record is read to be counted: this many take about half a minute. */
const MAX_COUNTED = 200_000

export async function showStats({ store, place, receiver }: CommandStore, { options }: StoreCommand): Promise<0> {
  const { records, bytes } = await store.stats()
  const counts = new Map<string, number>()
  const progress = new Progress()
  let counted = 0
  let after: string | undefined
  do {
    const page: Awaited<ReturnType<typeof receiver.records>> = await receiver.records({
      limit: PAGE,
      ...(after !== undefined && { after }),
    })
    counted += page.records.length
    for (const { scope, state } of page.records) {
      const name = `${scope}\n${state}`
      counts.set(name, (counts.get(name) ?? 0) + 1)
    }
    after = page.next
    progress.update(`${counted} records counted`)
  } while (after !== undefined && counted < MAX_COUNTED)
  progress.end()

  const complete = after === undefined
  const sources = [...counts].sort().map(([name, count]) => {
    const [source = '', state = ''] = name.split('\n')
    return { source, state, count }
  })
  if (options.has('json')) {
    printJson({
      store: place,
      ...(records !== undefined && { records }),
      ...(bytes !== undefined && { bytes }),
      complete,
      sources,
    })
    return 0
  }
  print(`store    ${place}`)
  if (records !== undefined) print(`records  ${records}`)
  if (bytes !== undefined) print(`bytes    ${bytes}`)
  print('')
  printTable(
    ['SOURCE', 'STATE', 'RECORDS'],
    sources.map(({ source, state, count }) => [source, state, String(count)]),
  )
  if (!complete) print(`\n${counted} records counted: there are more`)
  return 0
}
