import { randomUUID } from 'node:crypto'
import type { RedisClient } from './client.js'
import type { Commands } from './commands.js'
import { identityKeyOf, PARTITIONS, partitionIn } from './keys.js'
import { scripts } from './lua.generated.js'

/** FLUSHALL breaks no connection, and not every driver tells of a new one. */
const INTERVAL_MS = 1_000

/** A record that was acknowledged, which is there until then by `performance.now()`. */
interface Made {
  name: string
  until: number
}

/** What is known of a partition. */
interface Known {
  id: string
  /** The last mark that was confirmed, in microseconds by the server's clock. */
  mark: number
}

/** Records that are gone: those after a moment, or all. */
type Loss = { since: number } | 'everything'

/**
 * Notices a Redis that forgot, wholly or since a moment: an id is kept in it, and a mark of each process, in each partition of a
 * Cluster, whose servers forget one by one. They are compared by `check`, with each new connection and from time to time.
 *
 * What was written after the last mark is not covered by it. Snapshots and replicas keep the order of writes, so where
 * anything is lost the newest record is; one look at whether that is there tells it, without a cost for those that are made.
 *
 * @param forgotten is told since when, in ms by the server's clock; `undefined`: everything
 */
export function createIdentity(
  opening: Promise<RedisClient>,
  commands: Commands,
  prefix: string,
  forgotten: (since: number | undefined) => void,
) {
  const process = randomUUID()
  const known = new Map<number, Known>()
  const newest = new Map<number, Made>()
  /** The newest as it was when the servers could not be asked: what is made later may be made after the loss. */
  const suspects = new Map<number, Made>()
  let isCluster = false
  let lookedAt = performance.now()

  /** Rejects when a mark could not be left. */
  async function check(): Promise<void> {
    isCluster = (await opening).isCluster
    lookedAt = performance.now()
    const partitions = isCluster ? Array.from({ length: PARTITIONS }, (_, i) => i) : [0]
    const answers = await Promise.allSettled(partitions.map(compare))
    const losses = answers.flatMap(answer => (answer.status === 'fulfilled' ? (answer.value ?? []) : []))
    if (losses.includes('everything')) forgotten(undefined)
    else if (losses.length > 0) forgotten(Math.min(...losses.map(loss => (loss as { since: number }).since)))
    const failure = answers.find(answer => answer.status === 'rejected')
    if (failure !== undefined) throw failure.reason
  }

  async function compare(partition: number): Promise<Loss | undefined> {
    const isNewestLost = await looksLost(partition)
    // A new id each time: what this process wrote once tells nothing about now.
    const args = [randomUUID(), process, `${known.get(partition)?.mark ?? 0}`]
    const [id, mark, kept] = await commands.run(scripts.identify, identityKeyOf(prefix, partition), args, decode)
    // Another check may have come in between.
    const before = known.get(partition)
    known.set(partition, { id, mark })
    if (before === undefined) return undefined
    if (before.id !== id) return 'everything'
    if (kept === undefined) return isNewestLost ? { since: before.mark / 1000 } : undefined
    return kept === 0 ? 'everything' : { since: kept / 1000 }
  }

  /** Whether the newest record of a partition is gone before its time. */
  async function looksLost(partition: number): Promise<boolean> {
    const made = suspects.get(partition) ?? newest.get(partition)
    if (made === undefined) return false
    let isThere: boolean
    try {
      isThere = await commands.run(scripts.get, made.name, ['0'], reply => (reply as [unknown, Buffer])[1].length > 0)
    } catch (error) {
      const last = suspects.get(partition) ?? newest.get(partition)
      if (last !== undefined) suspects.set(partition, last)
      throw error
    }
    suspects.delete(partition)
    if (newest.get(partition) === made) newest.delete(partition)
    return !isThere && performance.now() < made.until
  }

  // Whatever keeps it from being compared is told to whoever asks for records.
  let looking = false
  async function look(): Promise<void> {
    if (looking) return
    looking = true
    await check().catch(() => {})
    looking = false
  }
  const timer = setInterval(look, INTERVAL_MS).unref()
  let stopListening = () => {}
  opening.then(
    client => {
      stopListening = client.onConnected(() => void look())
    },
    () => {},
  )

  return {
    check,

    /** A record was acknowledged that is kept for so long from now on, whatever becomes of it. */
    made(name: string, retentionMs: number): void {
      newest.set(isCluster ? partitionIn(prefix, name) : 0, { name, until: lookedAt + retentionMs })
    },

    close(): void {
      clearInterval(timer)
      stopListening()
    },
  }
}

/** See identify.lua. */
function decode(reply: unknown): [id: string, mark: number, kept: number | undefined] {
  const [id, mark, kept] = reply as unknown[]
  const isKept = typeof kept === 'number' || typeof kept === 'bigint'
  return [String(id), Number(mark), isKept ? Number(kept) : undefined]
}
