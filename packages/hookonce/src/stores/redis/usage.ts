import type { StoreStats } from '../store.js'
import type { RedisNode } from './clients/client.js'
import { isRecordOf } from './keys.js'

/** How many names are looked at, of all servers together, and how many of the scope's records among them. */
const NAMES = 10_000
const NAMES_PER_SCAN = 1000
const RECORDS = 500
/** What Redis keeps of a key besides its name and value, about. */
const BYTES_PER_KEY = 80

/**
 * What a scope keeps, by a sample: SCAN goes through names in the order of a hash, so its first are any. What is deleted and
 * stands for its fencing token only is not counted.
 */
export async function usageOf(nodes: readonly RedisNode[], prefix: string, scope: string): Promise<StoreStats> {
  const parts = await Promise.all(nodes.map(node => usageOn(node, prefix, scope, Math.ceil(NAMES / nodes.length))))
  const sum = (of: (part: Required<StoreStats>) => number) => Math.round(parts.reduce((all, part) => all + of(part), 0))
  return { records: sum(({ records }) => records), bytes: sum(({ bytes }) => bytes) }
}

async function usageOn(node: RedisNode, prefix: string, scope: string, most: number): Promise<Required<StoreStats>> {
  const seen = new Set<string>()
  const own: string[] = []
  let cursor = '0'
  do {
    const [next, names] = (await node.call('SCAN', cursor, 'COUNT', String(NAMES_PER_SCAN))) as [unknown, unknown[]]
    for (const name of names.map(String)) {
      if (!seen.has(name) && isRecordOf(prefix, scope, name)) own.push(name)
      seen.add(name)
    }
    cursor = String(next)
  } while (cursor !== '0' && seen.size < most)

  const sizes = await Promise.all(own.slice(0, RECORDS).map(name => sizeOf(node, name)))
  const kept = sizes.filter(size => size > 0)
  if (kept.length === 0) return { records: 0, bytes: 0 }
  const all = cursor === '0' ? seen.size : Math.max(Number(await node.call('DBSIZE')), seen.size)
  const records = own.length * (kept.length / sizes.length) * (all / seen.size)
  return { records, bytes: (records * kept.reduce((sum, size) => sum + size, 0)) / kept.length }
}

/** 0: there is no record. */
async function sizeOf(node: RedisNode, name: string): Promise<number> {
  const [length, state] = await Promise.all([node.call('STRLEN', name), node.call('GETRANGE', name, '0', '0')])
  return Number(length) === 0 || String(state) === 'd' ? 0 : Number(length) + name.length + BYTES_PER_KEY
}
