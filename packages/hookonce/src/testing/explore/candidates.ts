import { type Random, randomFrom } from './random.js'
import { PROCESSES, type ProcessName, type Step } from './schedule.js'

/** Longer than a lease. */
const LEASE_OVER: Step = { does: 'wait', seconds: 20 }
/** More steps than any handler has: all of them. */
const ALL = 1_000

const deliver = (event: string, process: ProcessName): Step => ({ does: 'deliver', event, process })
const work = (process: ProcessName, steps: number): Step[] => (steps === 0 ? [] : [{ does: 'work', process, steps }])

/**
 * Schedules worth trying, the shortest first: each single fault at each place, events in other orders and at the same
 * time, then as many random ones as wanted.
 *
 * @param steps how many steps the handling of each event takes when nothing goes wrong
 */
export function* candidates(steps: ReadonlyMap<string, number>, seed: number): Generator<Step[]> {
  const events = [...steps.keys()]
  yield []
  yield* orders(events)
  for (const [event, most] of steps) yield* singleFaults(event, most)
  yield* pairs(steps)
  for (let round = 0; ; round++) yield randomSchedule(randomFrom(seed + round), steps)
}

/** Neighbours exchanged, and all backwards. */
function* orders(events: readonly string[]): Generator<Step[]> {
  const inOrder = (order: readonly string[]) => order.flatMap(event => [deliver(event, 'A'), ...work('A', ALL)])
  if (events.length > 2) yield inOrder([...events].reverse())
  for (let at = 0; at + 1 < events.length; at++) {
    const order = [...events]
    order.splice(at, 2, events[at + 1]!, events[at]!)
    yield inOrder(order)
  }
}

function* singleFaults(event: string, most: number): Generator<Step[]> {
  for (let steps = 0; steps <= most; steps++) {
    const before = [deliver(event, 'A'), ...work('A', steps)]
    yield [...before, { does: 'crash', process: 'A' }]
    yield [...before, { does: 'fail', process: 'A' }]
    yield [...before, { does: 'lose', process: 'A' }]
    // The lease ends while the process is paused: another takes over, then both are there.
    const takeover: Step[] = [...before, { does: 'pause', process: 'A' }, LEASE_OVER, deliver(event, 'B')]
    yield [...takeover, ...work('B', ALL), { does: 'resume', process: 'A' }]
    for (let more = 1; more < most; more += 2) {
      yield [...takeover, ...work('B', more), { does: 'resume', process: 'A' }, ...work('A', ALL)]
    }
  }
}

/** Two events at the same time, in two processes. */
function* pairs(steps: ReadonlyMap<string, number>): Generator<Step[]> {
  for (const [first, most] of steps) {
    for (const [second, mostOfSecond] of steps) {
      if (first === second) continue
      for (let done = 1; done <= most; done++) {
        for (let doneOfSecond = 1; doneOfSecond <= mostOfSecond; doneOfSecond++) {
          const both = [deliver(first, 'A'), ...work('A', done), deliver(second, 'B'), ...work('B', doneOfSecond)]
          yield [...both, ...work('A', ALL)]
        }
      }
    }
  }
}

const KINDS = [
  'deliver',
  'deliver',
  'work',
  'work',
  'work',
  'crash',
  'pause',
  'resume',
  'fail',
  'lose',
  'wait',
] as const

function randomSchedule(random: Random, steps: ReadonlyMap<string, number>): Step[] {
  const events = [...steps.keys()]
  const most = Math.max(...steps.values())
  const schedule: Step[] = [deliver(random.pick(events), 'A')]
  const length = Math.round(random.between(3, 12))
  while (schedule.length < length) {
    const process = random.pick(PROCESSES)
    const does = random.pick(KINDS)
    if (does === 'deliver') schedule.push(deliver(random.pick(events), process))
    else if (does === 'work') schedule.push({ does, process, steps: Math.ceil(random.between(0, most)) || 1 })
    else if (does === 'wait') schedule.push(random.pick([LEASE_OVER, { does, seconds: 5 }]))
    else schedule.push({ does, process })
  }
  return schedule
}
