import { randomUUID } from 'node:crypto'
import type { RedisClient } from './client.js'
import type { Commands } from './commands.js'
import { identityKeyOf, PARTITIONS } from './keys.js'
import { scripts } from './lua.generated.js'

/** FLUSHALL breaks no connection, and not every driver tells of a new one. */
const INTERVAL_MS = 1_000

/**
 * Notices a Redis that forgot: an id is kept in it, in each partition of a Cluster, whose servers forget one by one.
 * It is compared by `check`, with each new connection and from time to time.
 */
export function createIdentity(
  opening: Promise<RedisClient>,
  commands: Commands,
  prefix: string,
  forgotten: () => void,
) {
  const known = new Map<number, string>()

  /** Rejects when an id could not be written. */
  async function check(): Promise<void> {
    const { isCluster } = await opening
    const partitions = isCluster ? Array.from({ length: PARTITIONS }, (_, i) => i) : [0]
    const changes = await Promise.all(partitions.map(compare))
    if (changes.some(changed => changed)) forgotten()
  }

  async function compare(partition: number): Promise<boolean> {
    // A new one each time: what this process wrote once tells nothing about now.
    const candidate = randomUUID()
    const id = await commands.run(scripts.identify, identityKeyOf(prefix, partition), [candidate], String)
    const before = known.get(partition)
    known.set(partition, id)
    return before !== undefined && before !== id
  }

  // Whatever keeps it from being compared is told to whoever asks for records.
  const look = () => void check().catch(() => {})
  const timer = setInterval(look, INTERVAL_MS).unref()
  let stopListening = () => {}
  opening.then(
    client => {
      stopListening = client.onConnected(look)
    },
    () => {},
  )

  return {
    check,
    close(): void {
      clearInterval(timer)
      stopListening()
    },
  }
}
