import { StoreError } from '../../errors.js'
import { type ListQuery, PAGE_MS, type RecordPage, type RecordSummary } from '../store.js'
import type { RedisClient, RedisNode } from './clients/client.js'
import { patternOf, recordOf } from './keys.js'
import { logPage, MOST_READ_AT_ONCE, placeOf } from './list-accepted.js'
import { scripts } from './lua.generated.js'
import { FACTS_BYTES, orderOf, summaryOf } from './record-codec.js'
import type { Commands } from './script-runner.js'

/** How many keys one page passes, and how many a SCAN. */
const LONGEST_SCAN = 100_000
const LONGEST_STEP = 1_000

/** Where a page ends: on which server, at which cursor, and the names that were found but are not on it any more. */
interface Place {
  node: number
  cursor: string
  names: string[]
}

const PLACE = /^(\d{1,4})\.(\d{1,20})\.([\w-]*)$/

const START: Place = { node: 0, cursor: '0', names: [] }

/** One page: of accepted records by the queues' logs, of all records by a scan. */
export async function listPage(
  client: RedisClient,
  commands: Commands,
  prefix: string,
  query: ListQuery,
): Promise<RecordPage> {
  const { accepted = false, limit, after = '' } = query
  const place = accepted ? placeOf(after, prefix) : parsePlace(after, prefix)
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000 || (query.after !== undefined && place === undefined)) {
    throw new StoreError("redis store: list: limit must be 1 to 1000 and after a page's next", 'refused')
  }
  if (accepted) {
    return logPage(client, commands, prefix, query, ({ micros, name }) => readSummary(commands, prefix, name, micros))
  }
  const read = (name: string) => readSummary(commands, prefix, name)
  return scanPage(await client.nodes(), prefix, query, (place as Place | undefined) ?? START, read)
}

/** In no order. What is there from the first page to the last is on one of them. */
async function scanPage(
  nodes: RedisNode[],
  prefix: string,
  { scope, state, label, limit }: ListQuery,
  place: Place,
  read: (name: string) => Promise<RecordSummary | undefined>,
): Promise<RecordPage> {
  const pattern = patternOf(prefix, scope)
  const found = new Map<string, RecordSummary>()
  let { node, cursor, names } = place
  let passed = 0
  const until = performance.now() + PAGE_MS

  for (;;) {
    // A record may be met twice: SCAN repeats keys while the table changes its size.
    names = [...new Set(names)].filter(name => !found.has(name))
    do {
      const met = names.splice(0, MOST_READ_AT_ONCE)
      const summaries = await Promise.all(met.map(read))
      for (const [i, summary] of summaries.entries()) {
        if (summary === undefined || (scope ?? summary.scope) !== summary.scope) continue
        if ((state ?? summary.state) !== summary.state) continue
        if (label !== undefined && label !== summary.label) continue
        if (found.size < limit) found.set(met[i]!, summary)
        else names.push(met[i]!)
      }
    } while (names.length > 0 && found.size < limit)
    const isDone = node >= nodes.length && names.length === 0
    if (isDone || found.size === limit || passed >= LONGEST_SCAN || performance.now() >= until) {
      const records = [...found.values()]
      return isDone ? { records } : { records, next: format({ node, cursor, names }) }
    }
    // As far as fills the page, by how rare records were so far. What is too many by chance goes into `next`.
    const step = Math.min(LONGEST_STEP, Math.ceil(((limit - found.size) * (passed + 1)) / (found.size + 1)))
    ;[cursor, names] = await scan(nodes[node]!, cursor, pattern, step)
    passed += step
    if (cursor === '0') node++
  }
}

/** With an order only the record that was accepted in that place, and not a later one of the same name. */
async function readSummary(
  commands: Commands,
  prefix: string,
  name: string,
  order?: number,
): Promise<RecordSummary | undefined> {
  const id = recordOf(prefix, name)
  if (id === undefined) return undefined
  const decode = (reply: unknown) => {
    const [now, value] = reply as [number, Buffer]
    if (order !== undefined && orderOf(value) !== order) return undefined
    return summaryOf(value, id, Number(now))
  }
  return commands.run(scripts.get, name, [String(FACTS_BYTES - 1)], decode)
}

async function scan(node: RedisNode, cursor: string, pattern: string, count: number): Promise<[string, string[]]> {
  const reply = await node.call('SCAN', cursor, 'MATCH', pattern, 'COUNT', String(count), 'TYPE', 'string')
  const [to, names] = reply as [unknown, unknown[]]
  return [String(to), names.map(String)]
}

function format({ node, cursor, names }: Place): string {
  const left = names.length === 0 ? '' : Buffer.from(JSON.stringify(names)).toString('base64url')
  return `${node}.${cursor}.${left}`
}

function parsePlace(after: string, prefix: string): Place | undefined {
  const [, node, cursor, left] = PLACE.exec(after) ?? []
  if (cursor === undefined) return undefined
  const names: unknown = left === '' ? [] : parsed(Buffer.from(left!, 'base64url').toString())
  const areOurs = Array.isArray(names) && names.every(name => typeof name === 'string' && recordOf(prefix, name))
  return areOurs ? { node: Number(node), cursor, names } : undefined
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
