import { type Random, randomFrom } from '../../../dist/testing/explore/random.js'

export const PROCESSES = [0, 1, 2] as const
/** Answered with the result, for long; the same, for seconds; accepted; accepted, with effects in the result's transaction. */
export const SOURCES = ['answered', 'brief', 'accepted', 'committed'] as const
export type SourceName = (typeof SOURCES)[number]
const KEYS = ['a', 'b']

/** What somebody does to the processes, their store and its clock, one after the other. */
export type Step =
  | { does: 'deliver'; process: number; source: SourceName; key: string }
  | { does: 'wait'; ms: number }
  | { does: 'crash'; process: number }
  | { does: 'pause'; process: number; ms: number }
  /** A process ends in good order, and another begins. */
  | { does: 'drain'; process: number }
  /** No question reaches the store. */
  | { does: 'down'; ms: number }
  /** Each answer comes later than anybody waits for it. */
  | { does: 'slow'; ms: number }
  /** The store's clock steps. */
  | { does: 'clock'; ms: number }
  | { does: 'delete'; process: number; source: SourceName; key: string; force: boolean }
  | { does: 'redrive'; process: number; source: SourceName; key: string; completed: boolean; waiting: boolean }
  | { does: 'purge' }

/** How often there is what, of all steps but deliveries and waits. */
const TROUBLE: readonly [weight: number, (random: Random) => Step][] = [
  [3, random => ({ does: 'crash', process: random.pick(PROCESSES) })],
  [3, random => ({ does: 'pause', process: random.pick(PROCESSES), ms: ms(random, 100, 3_000) })],
  [1, random => ({ does: 'drain', process: random.pick(PROCESSES) })],
  [2, random => ({ does: 'down', ms: ms(random, 50, 2_500) })],
  [2, random => ({ does: 'slow', ms: ms(random, 50, 4_000) })],
  [1, random => ({ does: 'clock', ms: ms(random, -3_000, 3_000) })],
  [2, random => ({ does: 'delete', ...place(random), force: random.chance(0.5) })],
  [2, random => ({ does: 'redrive', ...place(random), completed: random.chance(0.5), waiting: random.chance(0.5) })],
  [1, () => ({ does: 'purge' })],
]

const ms = (random: Random, least: number, most: number): number => Math.round(random.between(least, most))

const place = (random: Random) => ({
  process: random.pick(PROCESSES),
  source: random.pick(SOURCES),
  key: random.pick(KEYS),
})

export function stepsFrom(seed: number, count = 40): Step[] {
  const random = randomFrom(seed)
  const kinds = TROUBLE.flatMap(([weight, make]) => Array.from({ length: weight }, () => make))
  return Array.from({ length: count }, (): Step[] => {
    const trouble = random.chance(0.2) ? [random.pick(kinds)(random)] : []
    return [{ does: 'deliver', ...place(random) }, ...trouble, { does: 'wait', ms: ms(random, 0, 250) }]
  }).flat()
}

/** Leaves steps out for as long as it still fails. */
export async function shrunk(steps: readonly Step[], fails: (steps: Step[]) => Promise<boolean>): Promise<Step[]> {
  let least = [...steps]
  for (let size = Math.ceil(least.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < least.length; ) {
      const fewer = [...least.slice(0, from), ...least.slice(from + size)]
      if (await fails(fewer)) least = fewer
      else from += size
    }
  }
  return least
}
