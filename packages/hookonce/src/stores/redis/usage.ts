import type { StoreStats } from '../store.js'
import type { RedisNode } from './clients/client.js'
import { isRecordOf } from './keys.js'

/** The sample: keys of all servers together, and records of the scope among them whose sizes are read. */
const MOST_KEYS = 10_000
const KEYS_PER_SCAN = 1000
const MOST_RECORDS = 500
/** Approximate memory of a key besides its name and value. */
const BYTES_PER_KEY = 80

/**
 * Estimates a scope's usage from the first keys of SCAN, which are a random sample because it reads in hash order. A deleted
 * record, of which the fencing token remains, does not count.
 */
export async function usageOf(nodes: readonly RedisNode[], prefix: string, scope: string): Promise<StoreStats> {
  const parts = await Promise.all(nodes.map(node => usageOn(node, prefix, scope, Math.ceil(MOST_KEYS / nodes.length))))
  const sum = (of: (part: Required<StoreStats>) => number) => Math.round(parts.reduce((all, part) => all + of(part), 0))
  return { records: sum(({ records }) => records), bytes: sum(({ bytes }) => bytes) }
}

async function usageOn(node: RedisNode, prefix: string, scope: string, most: number): Promise<Required<StoreStats>> {
  const seen = new Set<string>()
  const own: string[] = []
  let cursor = '0'
  do {
    const [next, names] = (await node.call('SCAN', cursor, 'COUNT', String(KEYS_PER_SCAN))) as [unknown, unknown[]]
    for (const name of names.map(String)) {
      if (!seen.has(name) && isRecordOf(prefix, scope, name)) own.push(name)
      seen.add(name)
    }
    cursor = String(next)
  } while (cursor !== '0' && seen.size < most)

  const sizes = await Promise.all(own.slice(0, MOST_RECORDS).map(name => sizeOf(node, name)))
  const kept = sizes.filter(size => size > 0)
  if (kept.length === 0) return { records: 0, bytes: 0 }
  const all = cursor === '0' ? seen.size : Math.max(Number(await node.call('DBSIZE')), seen.size)
  const records = own.length * (kept.length / sizes.length) * (all / seen.size)
  return { records, bytes: (records * kept.reduce((sum, size) => sum + size, 0)) / kept.length }
}

/** 0 if there is no record. */
async function sizeOf(node: RedisNode, name: string): Promise<number> {
  const [length, state] = await Promise.all([node.call('STRLEN', name), node.call('GETRANGE', name, '0', '0')])
  return Number(length) === 0 || String(state) === 'd' ? 0 : Number(length) + name.length + BYTES_PER_KEY
}
