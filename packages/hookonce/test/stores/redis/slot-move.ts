import { expect } from 'vitest'
import type { RedisCluster } from '../../../../../scripts/test-servers/redis-cluster.js'
import { namesIn } from './support.js'

/** Half of a slot is on another server, from now until `finish`. */
export interface MovingSlot {
  /** The key that has moved. */
  name: string
  /** Moves the others and tells which they were. */
  finish(): Promise<string[]>
}

/** Takes a key of the first server that is like `pattern`, and moves it and later its slot to the third. */
export async function beginToMoveSlot({ nodes }: RedisCluster, pattern: string): Promise<MovingSlot> {
  const [from, to] = [nodes[0]!, nodes[2]!]
  const idOf = async (node: typeof from) => namesIn(await node.ask('CLUSTER', 'MYID'))[0]!
  const move = async (key: string) => {
    expect(await from.ask('MIGRATE', '127.0.0.1', String(to.port), key, '0', '5000')).toBe('+OK')
  }

  const name = namesIn(await from.ask('KEYS', pattern))[0]!
  const slot = (await from.ask('CLUSTER', 'KEYSLOT', name)).slice(1)
  await to.ask('CLUSTER', 'SETSLOT', slot, 'IMPORTING', await idOf(from))
  await from.ask('CLUSTER', 'SETSLOT', slot, 'MIGRATING', await idOf(to))
  await move(name)
  return {
    name,
    async finish() {
      const names = namesIn(await from.ask('CLUSTER', 'GETKEYSINSLOT', slot, '100'))
      for (const key of names) await move(key)
      for (const node of nodes) await node.ask('CLUSTER', 'SETSLOT', slot, 'NODE', await idOf(to))
      return names
    },
  }
}
