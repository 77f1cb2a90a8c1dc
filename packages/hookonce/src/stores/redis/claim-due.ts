import type { DueClaim } from '../inbox-store.js'
import { agendaOf, queueTagsOf, recordOf } from './keys.js'
import { scripts } from './lua.generated.js'
import { deliveryOf, summaryOf } from './record-codec.js'
import type { Commands, Script } from './script-runner.js'

/** How many due entries of each partition of a Cluster are compared at once. */
const MOST_COMPARED = 16

/** Less is no step: how long an answer takes is not known to the millisecond. */
const LEAST_STEP_MS = 1_000

/** What one script looks at after the clock stepped back. */
const MOST_CUT_LOOKS = 1_000

interface Taken {
  since: number
  claim: DueClaim
}

/** Takes what is due. `isCluster`: the queue of a scope has partitions. */
export function createQueue({ run }: Commands, prefix: string) {
  /** What a server's clock was ahead of this process' when it was read last, by the queue. */
  const clocks = new Map<string, number>()

  const agendas = (isCluster: boolean, scope: string) => queueTagsOf(isCluster).map(tag => agendaOf(prefix, tag, scope))

  const ask = (script: Script, agenda: string, args: readonly string[], leastMs: number, resendable: boolean) =>
    run(script, agenda, args, reply => takenOf(reply, prefix), { resendable, leastMs })

  /**
   * Not sent again when it may have been carried out: it would take others. Where nothing was due in all that one script
   * looks at, the next one looks at the rest.
   */
  async function takeFrom(agenda: string, most: number, attempt: readonly string[], leastMs: number): Promise<Taken[]> {
    for (;;) {
      const { now, taken, more } = await ask(scripts.claimDue, agenda, [`${most}`, ...attempt], leastMs, false)
      if (hasSteppedBack(agenda, now)) await cut(agenda)
      if (!more) return taken
    }
  }

  /**
   * Partitions are asked what is due, and then for their share of what has been due longest: 64 short questions when
   * there is nothing. Partitions that are taken from fail alone, as long as one does not.
   */
  async function takeFromAll(
    agendas: readonly string[],
    limit: number,
    attempt: readonly string[],
    leastMs: number,
  ): Promise<Taken[]> {
    const taken: Taken[] = []
    for (;;) {
      const most = Math.min(limit - taken.length, MOST_COMPARED)
      const times = await Promise.all(agendas.map(agenda => dueTimes(agenda, most)))
      const shares = sharesOf(times, limit - taken.length)
      if (shares.size === 0) return taken
      const answers = await Promise.allSettled(
        [...shares].map(([i, share]) => takeFrom(agendas[i]!, share, attempt, leastMs)),
      )
      const found = answers.flatMap(answer => (answer.status === 'fulfilled' ? answer.value : []))
      const failure = answers.find(answer => answer.status === 'rejected')
      taken.push(...found)
      if (failure !== undefined && taken.length === 0) throw failure.reason
      // Some were not due, or others were quicker: the next ones in line may be elsewhere.
      const asked = [...shares.values()].reduce((sum, share) => sum + share)
      const seenAll = found.length === asked && times.every(({ length }) => length < most)
      if (failure !== undefined || seenAll || taken.length >= limit) return taken
    }
  }

  function dueTimes(agenda: string, most: number): Promise<number[]> {
    return run(scripts.peekDue, agenda, [`${most}`], reply => (reply as unknown[]).map(Number))
  }

  /** When it is looked at for the first time it may have. */
  function hasSteppedBack(agenda: string, now: number): boolean {
    const ahead = now - performance.now()
    const before = clocks.get(agenda)
    clocks.set(agenda, ahead)
    return before === undefined || ahead < before - LEAST_STEP_MS
  }

  /** In short steps. What is not done when one fails is done the next time. */
  async function cut(agenda: string): Promise<void> {
    try {
      for (let from = '0'; from !== ''; ) {
        from = await run(scripts.correctDueTimes, agenda, [from, `${MOST_CUT_LOOKS}`], reply => String(reply))
      }
    } catch {
      clocks.delete(agenda)
    }
  }

  return {
    /** Takes at most `limit` records; `attempt` is what claim-due.lua has after that. Each server is waited for at least `leastMs`. */
    async take(
      isCluster: boolean,
      scope: string,
      limit: number,
      attempt: readonly string[],
      leastMs: number,
    ): Promise<DueClaim[]> {
      const all = agendas(isCluster, scope)
      const taken = isCluster
        ? await takeFromAll(all, limit, attempt, leastMs)
        : await takeFrom(all[0]!, limit, attempt, leastMs)
      return taken.sort((a, b) => a.since - b.since).map(({ claim }) => claim)
    },

    /** What runs under a lease id: a take whose answer was lost has taken it. */
    async leased(isCluster: boolean, scope: string, leaseId: string, leaseMs: number): Promise<DueClaim[]> {
      const found = await Promise.all(
        agendas(isCluster, scope).map(agenda =>
          ask(scripts.listLeased, agenda, [leaseId, `${leaseMs}`], leaseMs, true),
        ),
      )
      return found.flatMap(({ taken }) => taken.map(({ claim }) => claim))
    },
  }
}

/** How many to take from each partition, so that together they are the ones that have been due longest. */
function sharesOf(times: readonly number[][], limit: number): Map<number, number> {
  const entries = times.flatMap((own, partition) => own.map(since => ({ since, partition })))
  const shares = new Map<number, number>()
  for (const { partition } of entries.sort((a, b) => a.since - b.since).slice(0, limit)) {
    shares.set(partition, (shares.get(partition) ?? 0) + 1)
  }
  return shares
}

/** See claim-due.lua. */
function takenOf(reply: unknown, prefix: string): { now: number; taken: Taken[]; more: boolean } {
  const [now, more, ...rest] = reply as [number, number, ...unknown[]]
  const taken: Taken[] = []
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
    taken.push({ since: Number(rest[i + 1]), claim })
  }
  return { now: Number(now), taken, more: Number(more) === 1 }
}
