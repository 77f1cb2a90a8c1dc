import type { DueClaim } from '../inbox-store.js'
import { agendaOf, queueTagsOf, recordOf } from './keys.js'
import { scripts } from './lua.generated.js'
import { deliveryOf, summaryOf } from './record-codec.js'
import type { Commands, Script } from './script-runner.js'

/** The most due entries of each partition of a Cluster that are compared at once. */
const MOST_COMPARED = 16

/** A smaller difference between two readings of a clock can be latency. */
const LEAST_CLOCK_STEP_MS = 1_000

/** The most entries that one script corrects after the clock stepped back. */
const MOST_CORRECTED = 1_000

interface Claimed {
  since: number
  claim: DueClaim
}

/** Claims due records. `isCluster`: the queue of a scope has partitions. */
export function createQueue({ run }: Commands, prefix: string) {
  /** By agenda, how far the server's clock was ahead of this process' monotonic clock when it was last read. */
  const clockOffsets = new Map<string, number>()

  const agendas = (isCluster: boolean, scope: string) => queueTagsOf(isCluster).map(tag => agendaOf(prefix, tag, scope))

  const runClaim = (script: Script, agenda: string, args: readonly string[], timeoutMs: number, resendable: boolean) =>
    run(script, agenda, args, reply => decodeClaims(reply, prefix), { resendable, minTimeoutMs: timeoutMs })

  /** Not resendable, because it would claim further records. A script that found nothing and read all it may runs again. */
  async function claimFrom(
    agenda: string,
    most: number,
    attempt: readonly string[],
    timeoutMs: number,
  ): Promise<Claimed[]> {
    for (;;) {
      const { now, claimed, more } = await runClaim(scripts.claimDue, agenda, [`${most}`, ...attempt], timeoutMs, false)
      if (mayHaveSteppedBack(agenda, now)) await correctDueTimes(agenda)
      if (!more) return claimed
    }
  }

  /**
   * Asks each partition since when its first entries are due, and then claims from those whose entries have been due
   * longest. So an empty queue costs 64 short reads. A partition that fails does not fail the call unless nothing was
   * claimed.
   */
  async function claimFromAll(
    agendas: readonly string[],
    limit: number,
    attempt: readonly string[],
    timeoutMs: number,
  ): Promise<Claimed[]> {
    const claimed: Claimed[] = []
    for (;;) {
      const most = Math.min(limit - claimed.length, MOST_COMPARED)
      const times = await Promise.all(agendas.map(agenda => peekDue(agenda, most)))
      const shares = sharesOf(times, limit - claimed.length)
      if (shares.size === 0) return claimed
      const results = await Promise.allSettled(
        [...shares].map(([i, share]) => claimFrom(agendas[i]!, share, attempt, timeoutMs)),
      )
      const found = results.flatMap(result => (result.status === 'fulfilled' ? result.value : []))
      const failure = results.find(result => result.status === 'rejected')
      claimed.push(...found)
      if (failure !== undefined && claimed.length === 0) throw failure.reason
      // A share that was not claimed in full was not due or was claimed by others: other partitions may have more.
      const wanted = [...shares.values()].reduce((sum, share) => sum + share)
      const isComplete = found.length === wanted && times.every(({ length }) => length < most)
      if (failure !== undefined || isComplete || claimed.length >= limit) return claimed
    }
  }

  function peekDue(agenda: string, most: number): Promise<number[]> {
    return run(scripts.peekDue, agenda, [`${most}`], reply => (reply as unknown[]).map(Number))
  }

  /** True for the first reading too: the clock may have stepped back before. */
  function mayHaveSteppedBack(agenda: string, now: number): boolean {
    const offset = now - performance.now()
    const before = clockOffsets.get(agenda)
    clockOffsets.set(agenda, offset)
    return before === undefined || offset < before - LEAST_CLOCK_STEP_MS
  }

  /** In short scripts. After a failure the next claim starts over. */
  async function correctDueTimes(agenda: string): Promise<void> {
    try {
      for (let from = '0'; from !== ''; ) {
        from = await run(scripts.correctDueTimes, agenda, [from, `${MOST_CORRECTED}`], reply => String(reply))
      }
    } catch {
      clockOffsets.delete(agenda)
    }
  }

  return {
    /** Claims at most `limit` records. `attempt`: the further arguments of claim-due.lua. `timeoutMs`: at least, by server. */
    async claim(
      isCluster: boolean,
      scope: string,
      limit: number,
      attempt: readonly string[],
      timeoutMs: number,
    ): Promise<DueClaim[]> {
      const all = agendas(isCluster, scope)
      const claimed = isCluster
        ? await claimFromAll(all, limit, attempt, timeoutMs)
        : await claimFrom(all[0]!, limit, attempt, timeoutMs)
      return claimed.sort((a, b) => a.since - b.since).map(({ claim }) => claim)
    },

    /** Reads what runs under a lease id, after a claim whose reply was lost. */
    async leased(isCluster: boolean, scope: string, leaseId: string, leaseMs: number): Promise<DueClaim[]> {
      const found = await Promise.all(
        agendas(isCluster, scope).map(agenda =>
          runClaim(scripts.listLeased, agenda, [leaseId, `${leaseMs}`], leaseMs, true),
        ),
      )
      return found.flatMap(({ claimed }) => claimed.map(({ claim }) => claim))
    },
  }
}

/** How many records to claim from each partition, so that together they are those that have been due longest. */
function sharesOf(times: readonly number[][], limit: number): Map<number, number> {
  const entries = times.flatMap((own, partition) => own.map(since => ({ since, partition })))
  const shares = new Map<number, number>()
  for (const { partition } of entries.sort((a, b) => a.since - b.since).slice(0, limit)) {
    shares.set(partition, (shares.get(partition) ?? 0) + 1)
  }
  return shares
}

/** See claim-due.lua. */
function decodeClaims(reply: unknown, prefix: string): { now: number; claimed: Claimed[]; more: boolean } {
  const [now, more, ...rest] = reply as [number, number, ...unknown[]]
  const claimed: Claimed[] = []
  for (let i = 0; i < rest.length; i += 4) {
    const value = rest[i + 2] as Buffer
    const { scope, key, attempts, fencingToken, createdAt, accepted } = summaryOf(
      value,
      recordOf(prefix, String(rest[i]))!,
      Number(now),
    )!
    const claim = {
      ...{ scope, key, attempt: attempts, fencingToken, tookOver: Number(rest[i + 3]) === 1 },
      ...{ acceptedAt: createdAt, accepted: accepted! },
      delivery: deliveryOf(value)!,
    }
    claimed.push({ since: Number(rest[i + 1]), claim })
  }
  return { now: Number(now), claimed, more: Number(more) === 1 }
}
