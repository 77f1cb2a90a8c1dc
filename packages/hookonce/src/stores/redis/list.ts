import { StoreError } from '../../errors.js'
import { type ListQuery, PAGE_MS, type RecordPage, type RecordSummary } from '../store.js'
import type { RedisClient, RedisNode } from './clients/client.js'
import { patternOf, recordOf } from './keys.js'
import { listAccepted, parseCursor as parseAcceptedCursor, READ_BATCH } from './list-accepted.js'
import { scripts } from './lua.generated.js'
import { FACTS_BYTES, positionOf, summaryOf } from './record-codec.js'
import type { Commands } from './script-runner.js'

/** The most keys that one page scans, and one SCAN. */
const MOST_KEYS_PER_PAGE = 100_000
const MOST_KEYS_PER_SCAN = 1_000

/** Where the next page begins: the server, SCAN's cursor there, and names that SCAN returned and no page has read yet. */
interface Cursor {
  node: number
  scan: string
  names: string[]
}

const CURSOR = /^(\d{1,4})\.(\d{1,20})\.([\w-]*)$/

const START: Cursor = { node: 0, scan: '0', names: [] }

/** One page: of accepted records from the acceptance streams, of all records by SCAN. */
export async function listPage(
  client: RedisClient,
  commands: Commands,
  prefix: string,
  query: ListQuery,
): Promise<RecordPage> {
  const { accepted = false, limit, after = '' } = query
  const cursor = accepted ? parseAcceptedCursor(after, prefix) : parseCursor(after, prefix)
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000 || (query.after !== undefined && cursor === undefined)) {
    throw new StoreError("redis store: list: limit must be 1 to 1000 and after a page's next", 'refused')
  }
  if (accepted) {
    return listAccepted(client, commands, prefix, query, ({ micros, name }) =>
      readSummary(commands, prefix, name, micros),
    )
  }
  const read = (name: string) => readSummary(commands, prefix, name)
  return scanPage(await client.nodes(), prefix, query, (cursor as Cursor | undefined) ?? START, read)
}

/** In no order. A record that exists from the first page to the last is on one of them. */
async function scanPage(
  nodes: RedisNode[],
  prefix: string,
  { scope, state, label, limit }: ListQuery,
  cursor: Cursor,
  read: (name: string) => Promise<RecordSummary | undefined>,
): Promise<RecordPage> {
  const pattern = patternOf(prefix, scope)
  const found = new Map<string, RecordSummary>()
  let { node, scan, names } = cursor
  let scanned = 0
  const until = performance.now() + PAGE_MS

  for (;;) {
    // SCAN repeats keys while Redis resizes its table.
    names = [...new Set(names)].filter(name => !found.has(name))
    do {
      const batch = names.splice(0, READ_BATCH)
      const summaries = await Promise.all(batch.map(read))
      for (const [i, summary] of summaries.entries()) {
        if (summary === undefined || (scope ?? summary.scope) !== summary.scope) continue
        if ((state ?? summary.state) !== summary.state) continue
        if (label !== undefined && label !== summary.label) continue
        if (found.size < limit) found.set(batch[i]!, summary)
        else names.push(batch[i]!)
      }
    } while (names.length > 0 && found.size < limit)
    const isDone = node >= nodes.length && names.length === 0
    if (isDone || found.size === limit || scanned >= MOST_KEYS_PER_PAGE || performance.now() >= until) {
      const records = [...found.values()]
      return isDone ? { records } : { records, next: formatCursor({ node, scan, names }) }
    }
    // As many keys as should fill the page, by the share of matches so far. The surplus goes into `next`.
    const count = Math.min(MOST_KEYS_PER_SCAN, Math.ceil(((limit - found.size) * (scanned + 1)) / (found.size + 1)))
    ;[scan, names] = await scanKeys(nodes[node]!, scan, pattern, count)
    scanned += count
    if (scan === '0') node++
  }
}

/** With a `position` in the acceptance stream only the record that was accepted there, not a later one of the same name. */
async function readSummary(
  commands: Commands,
  prefix: string,
  name: string,
  position?: number,
): Promise<RecordSummary | undefined> {
  const id = recordOf(prefix, name)
  if (id === undefined) return undefined
  const decode = (reply: unknown) => {
    const [now, value] = reply as [number, Buffer]
    if (position !== undefined && positionOf(value) !== position) return undefined
    return summaryOf(value, id, Number(now))
  }
  return commands.run(scripts.get, name, [String(FACTS_BYTES - 1)], decode)
}

async function scanKeys(node: RedisNode, cursor: string, pattern: string, count: number): Promise<[string, string[]]> {
  const reply = await node.call('SCAN', cursor, 'MATCH', pattern, 'COUNT', String(count), 'TYPE', 'string')
  const [next, names] = reply as [unknown, unknown[]]
  return [String(next), names.map(String)]
}

function formatCursor({ node, scan, names }: Cursor): string {
  const encoded = names.length === 0 ? '' : Buffer.from(JSON.stringify(names)).toString('base64url')
  return `${node}.${scan}.${encoded}`
}

function parseCursor(after: string, prefix: string): Cursor | undefined {
  const [, node, scan, encoded] = CURSOR.exec(after) ?? []
  if (scan === undefined) return undefined
  const names: unknown = encoded === '' ? [] : parseJson(Buffer.from(encoded!, 'base64url').toString())
  const areOurs = Array.isArray(names) && names.every(name => typeof name === 'string' && recordOf(prefix, name))
  return areOurs ? { node: Number(node), scan, names } : undefined
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
