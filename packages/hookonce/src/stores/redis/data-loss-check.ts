import { randomUUID } from 'node:crypto'
import type { RedisClient } from './clients/client.js'
import { identityKeyOf, PARTITIONS, partitionIn } from './keys.js'
import { scripts } from './lua.generated.js'
import { existedAt, FACTS_BYTES } from './record-codec.js'
import type { Commands } from './script-runner.js'

/** Checks on new connections alone would miss FLUSHALL, which breaks none, and drivers that do not report new ones. */
const INTERVAL_MS = 1_000
const FACTS = [String(FACTS_BYTES - 1)]
const MOST_SUSPECTS = 1_000
const MOST_POSTPONED = 5

/** A record that Redis acknowledged. It must exist until `until` by `performance.now()`. */
interface Acknowledged {
  partition: number
  name: string
  /** By the server's clock, in ms. */
  at: number
  until: number
}

interface PartitionState {
  /** The store's id there. */
  id: string
  /** This process' last confirmed mark, in microseconds by the server's clock. */
  mark: number
}

/** In `losses`, in place of the microsecond after which records are gone. */
const EVERYTHING = 0

/**
 * Detects a Redis that lost its records, all of them or those since a moment. Redis keeps an id of the store, and a mark of
 * each process; in a Cluster each partition does, because its servers lose data independently. `check` compares them, on
 * each new connection and every second.
 *
 * Marks do not cover what was written after the last one. Snapshots and replicas keep the order of writes, so a loss always
 * takes the newest record: checking whether that one exists detects it, at no cost to writes.
 *
 * @param onLoss gets the time since when records are lost, in ms by the server's clock; `undefined`: all records
 */
export function createDataLossCheck(
  opening: Promise<RedisClient>,
  commands: Commands,
  prefix: string,
  onLoss: (since: number | undefined) => void,
) {
  const processId = randomUUID()
  const states = new Map<number, PartitionState>()
  const newest = new Map<number, Acknowledged>()
  /** The newest record at each failure, with the mark before it: records acknowledged later may be from after the loss. */
  const suspects = new Map<Acknowledged, number>()
  let failures = 0
  /** Found and not reported yet. */
  let losses: number[] = []
  let postponed = 0
  let isCluster = false
  let checkedAt = performance.now()

  /** Rejects if a mark could not be written. */
  async function check(): Promise<void> {
    isCluster = (await opening).isCluster
    checkedAt = performance.now()
    const partitions = isCluster ? Array.from({ length: PARTITIONS }, (_, i) => i) : [0]
    const failuresBefore = failures
    const results = await Promise.allSettled(partitions.map(compare))
    const failure = results.find(result => result.status === 'rejected')
    report(failure === undefined && failures === failuresBefore)
    if (failure !== undefined) throw failure.reason
  }

  /** Postponed while commands fail, because more losses may be found: one failover is one report. */
  function report(isQuiet: boolean): void {
    if (losses.length === 0 || (!isQuiet && ++postponed < MOST_POSTPONED)) return
    const since = Math.min(...losses)
    losses = []
    postponed = 0
    onLoss(since === EVERYTHING ? undefined : since / 1000)
  }

  async function compare(partition: number): Promise<void> {
    const failuresBefore = failures
    const checked = new Set([...suspects.keys()].filter(record => record.partition === partition))
    const last = newest.get(partition)
    if (last !== undefined) checked.add(last)
    for (const record of checked) {
      const exists = await commands.run(scripts.get, record.name, FACTS, reply =>
        existedAt((reply as [0, Buffer])[1], record.at),
      )
      const since = suspects.get(record) ?? states.get(partition)?.mark
      if (exists || since === undefined || performance.now() >= record.until) continue
      losses.push(since)
      drop(record)
    }

    // A fresh id each time: Redis must not get its lost id back.
    const args = [randomUUID(), processId, `${states.get(partition)?.mark ?? 0}`]
    const [id, mark, earlier] = await commands.run(scripts.identify, identityKeyOf(prefix, partition), args, decode)
    // From here on the mark covers them, unless it may be on another server.
    if (failures === failuresBefore) for (const record of checked) drop(record)
    // Read now: another check may have ended meanwhile.
    const before = states.get(partition)
    states.set(partition, { id, mark })
    if (before === undefined) return
    if (before.id !== id) losses.push(EVERYTHING)
    else if (earlier !== undefined) losses.push(earlier)
  }

  function drop(record: Acknowledged): void {
    suspects.delete(record)
    if (newest.get(record.partition) === record) newest.delete(record.partition)
  }

  /** After a failure or a new connection, which may lead to another server. */
  function suspect(): void {
    failures++
    for (const record of newest.values()) {
      const mark = states.get(record.partition)?.mark
      if (mark !== undefined && suspects.size < MOST_SUSPECTS && !suspects.has(record)) suspects.set(record, mark)
    }
  }

  let isChecking = false
  /** Ignores failures, because operations report them. */
  async function checkInBackground(): Promise<void> {
    if (isChecking) return
    isChecking = true
    await check().catch(() => {})
    isChecking = false
  }
  const timer = setInterval(checkInBackground, INTERVAL_MS).unref()
  let stopListening = () => {}
  commands.onFailure(suspect)
  opening.then(
    client => {
      stopListening = client.onConnected(() => {
        suspect()
        void checkInBackground()
      })
    },
    () => {},
  )

  return {
    check,

    /** Redis acknowledged a record at `at` by its clock, to be kept for `retentionMs` from now on. */
    acknowledged(name: string, at: number, retentionMs: number): void {
      const partition = isCluster ? partitionIn(prefix, name) : 0
      newest.set(partition, { partition, name, at, until: checkedAt + retentionMs })
    },

    close(): void {
      clearInterval(timer)
      stopListening()
    },
  }
}

/** See identify.lua. */
function decode(reply: unknown): [id: string, mark: number, earlier: number | undefined] {
  const [id, mark, earlier] = reply as unknown[]
  const isMissing = typeof earlier === 'number' || typeof earlier === 'bigint'
  return [String(id), Number(mark), isMissing ? Number(earlier) : undefined]
}
