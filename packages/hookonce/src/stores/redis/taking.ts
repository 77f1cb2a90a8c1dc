import type { DueClaim } from '../../inbox-store.js'
import type { RedisClient } from './client.js'
import type { Commands } from './commands.js'
import { agendaOf, queueTagsOf, recordOf } from './keys.js'
import { scripts } from './lua.generated.js'
import { deliveryOf, summaryOf } from './value.js'

/** How many due entries of each partition of a Cluster are compared at once. */
const MOST_COMPARED = 16

interface Taken {
  since: number
  claim: DueClaim
}

/** Takes at most `limit` due records of a scope; `attempt` is what take.lua has after that. */
export async function takeDue(
  { isCluster }: RedisClient,
  commands: Commands,
  prefix: string,
  scope: string,
  limit: number,
  attempt: readonly string[],
): Promise<DueClaim[]> {
  const agendas = queueTagsOf(isCluster).map(tag => agendaOf(prefix, tag, scope))
  const taken = isCluster ? await takeFromAll(agendas) : await takeFrom(agendas[0]!, limit)
  return taken.sort((a, b) => a.since - b.since).map(({ claim }) => claim)

  /**
   * Not sent again when it may have been carried out: it would take others, and leave the first to their leases. Where
   * nothing was due in all that one script looks at, the next one looks at the rest.
   */
  async function takeFrom(agenda: string, most: number): Promise<Taken[]> {
    for (;;) {
      const decode = (reply: unknown) => takenOf(reply, prefix)
      const { taken, more } = await commands.run(scripts.take, agenda, [`${most}`, ...attempt], decode, false)
      if (!more) return taken
    }
  }

  /**
   * Partitions are asked what is due, and then for their share of what has been due longest: 64 short questions when
   * there is nothing. Partitions that are taken from fail alone, as long as one does not.
   */
  async function takeFromAll(agendas: readonly string[]): Promise<Taken[]> {
    const taken: Taken[] = []
    for (;;) {
      const most = Math.min(limit - taken.length, MOST_COMPARED)
      const times = await Promise.all(agendas.map(agenda => dueTimes(agenda, most)))
      const shares = sharesOf(times, limit - taken.length)
      if (shares.size === 0) return taken
      const answers = await Promise.allSettled([...shares].map(([i, share]) => takeFrom(agendas[i]!, share)))
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
    return commands.run(scripts.due, agenda, [`${most}`], reply => (reply as unknown[]).map(Number))
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

/** See take.lua. */
function takenOf(reply: unknown, prefix: string): { taken: Taken[]; more: boolean } {
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
  return { taken, more: Number(more) === 1 }
}
