import { randomUUID } from 'node:crypto'
import type { RedisClient } from './clients/client.js'
import { identityKeyOf, PARTITIONS, partitionIn } from './keys.js'
import { scripts } from './lua.generated.js'
import { FACTS_BYTES, stoodAt } from './record-codec.js'
import type { Commands } from './script-runner.js'

/** FLUSHALL breaks no connection, and not every driver tells of a new one. */
const INTERVAL_MS = 1_000
const FACTS = [String(FACTS_BYTES - 1)]
const MOST_SUSPECTS = 1_000
const MOST_POSTPONED = 5

/** A record that was acknowledged, which is there until then by `performance.now()`. */
interface Made {
  partition: number
  name: string
  /** By the server's clock, in ms. */
  at: number
  until: number
}

/** What is known of a partition. */
interface Known {
  id: string
  /** The last mark that was confirmed, in microseconds by the server's clock. */
  mark: number
}

/** In `losses`, where others have the microsecond after which records are gone. */
const EVERYTHING = 0

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
  /** The newest whenever something failed, with the mark before: what is made later may be made after the loss. */
  const suspects = new Map<Made, number>()
  let failures = 0
  /** Found and not told yet. */
  let losses: number[] = []
  let postponed = 0
  let isCluster = false
  let lookedAt = performance.now()

  /** Rejects when a mark could not be left. */
  async function check(): Promise<void> {
    isCluster = (await opening).isCluster
    lookedAt = performance.now()
    const partitions = isCluster ? Array.from({ length: PARTITIONS }, (_, i) => i) : [0]
    const failuresBefore = failures
    const answers = await Promise.allSettled(partitions.map(compare))
    const failure = answers.find(answer => answer.status === 'rejected')
    tell(failure === undefined && failures === failuresBefore)
    if (failure !== undefined) throw failure.reason
  }

  /** A failover is told once: while something fails more of it may be found. */
  function tell(isQuiet: boolean): void {
    if (losses.length === 0 || (!isQuiet && ++postponed < MOST_POSTPONED)) return
    const since = Math.min(...losses)
    losses = []
    postponed = 0
    forgotten(since === EVERYTHING ? undefined : since / 1000)
  }

  async function compare(partition: number): Promise<void> {
    const failuresBefore = failures
    const questioned = new Set([...suspects.keys()].filter(made => made.partition === partition))
    const last = newest.get(partition)
    if (last !== undefined) questioned.add(last)
    for (const made of questioned) {
      const isThere = await commands.run(scripts.get, made.name, FACTS, reply =>
        stoodAt((reply as [0, Buffer])[1], made.at),
      )
      const since = suspects.get(made) ?? known.get(partition)?.mark
      if (isThere || since === undefined || performance.now() >= made.until) continue
      losses.push(since)
      forget(made)
    }

    // A new id each time: what this process wrote once tells nothing about now.
    const args = [randomUUID(), process, `${known.get(partition)?.mark ?? 0}`]
    const [id, mark, kept] = await commands.run(scripts.identify, identityKeyOf(prefix, partition), args, decode)
    // The mark covers them, if it is on the server that they were found on.
    if (failures === failuresBefore) for (const made of questioned) forget(made)
    // Another check may have come in between.
    const before = known.get(partition)
    known.set(partition, { id, mark })
    if (before === undefined) return
    if (before.id !== id || kept === 0) losses.push(EVERYTHING)
    else if (kept !== undefined) losses.push(kept)
  }

  function forget(made: Made): void {
    suspects.delete(made)
    if (newest.get(made.partition) === made) newest.delete(made.partition)
  }

  /** Something failed, or there is a new connection: it may lead to another server. */
  function suspect(): void {
    failures++
    for (const made of newest.values()) {
      const mark = known.get(made.partition)?.mark
      if (mark !== undefined && suspects.size < MOST_SUSPECTS && !suspects.has(made)) suspects.set(made, mark)
    }
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
  commands.onFailure(suspect)
  opening.then(
    client => {
      stopListening = client.onConnected(() => {
        suspect()
        void look()
      })
    },
    () => {},
  )

  return {
    check,

    /** A record was acknowledged, at a time by the server's clock, that is kept for so long from now on. */
    made(name: string, at: number, retentionMs: number): void {
      const partition = isCluster ? partitionIn(prefix, name) : 0
      newest.set(partition, { partition, name, at, until: lookedAt + retentionMs })
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
