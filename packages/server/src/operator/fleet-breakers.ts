import type { Breaker, BreakerState } from 'hookonce'
import { type ListedProcess, listsAllBreakers, type TrippedBreaker, trippedIn } from '../journal/heartbeat.js'

/** The circuit breaker of a source: each process has one of its own. */
export interface FleetBreaker {
  /** The worst of all processes; `null`: one does not say. */
  state: BreakerState['state'] | null
  /** Since when it is not closed, in the process where it is so for the longest. */
  since: number | null
  /** Ids of those in which it is not closed. */
  processes: string[]
}

type Told = Pick<ListedProcess, 'id' | 'alive' | 'trippedBreakers'>

/**
 * The breaker of a source, `undefined`: it has none. Of this process as it is, of others as their last sign of life says; one that
 * is not alive says nothing.
 */
export function fleetBreakers(
  listed: readonly Told[],
  own: { process: string; breakers: ReadonlyMap<string, Breaker> },
): (source: string) => FleetBreaker | undefined {
  const others = listed.filter(({ id, alive }) => alive && id !== own.process)
  const processes = [...others, { id: own.process, trippedBreakers: trippedIn(own.breakers) }]
  const areAllListed = processes.every(listsAllBreakers)
  const tripped = new Map<string, FleetBreaker>()
  for (const { id, trippedBreakers = [] } of processes) {
    for (const breaker of trippedBreakers)
      tripped.set(breaker.source, withTripped(tripped.get(breaker.source), id, breaker))
  }
  const untripped: FleetBreaker = { state: areAllListed ? 'closed' : null, since: null, processes: [] }
  return source => tripped.get(source) ?? (own.breakers.has(source) ? untripped : undefined)
}

function withTripped(known: FleetBreaker | undefined, id: string, { state, since }: TrippedBreaker): FleetBreaker {
  if (known === undefined) return { state, since, processes: [id] }
  return {
    state: known.state === 'open' ? 'open' : state,
    since: Math.min(known.since!, since),
    processes: [...known.processes, id],
  }
}
