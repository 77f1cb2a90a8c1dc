import type { Handler } from '../../receiver/source.js'
import { memoryStore } from '../../stores/memory/index.js'
import { sqliteStore } from '../../stores/sqlite/index.js'
import { aNumber, aText, checkOptions, listOf } from '../../util/options.js'
import { ManualClock } from '../manual-clock.js'
import { candidates } from './candidates.js'
import type { DatabaseScenario, Scenario } from './scenario.js'
import { type Step, stepOf, textOf } from './schedule.js'
import { asyncServices, type CallService } from './services.js'
import { World } from './world.js'

export interface ExploreOptions {
  /** How many schedules are tried. Default 1,000. */
  schedules?: number
  /** What random schedules are made from. Default 1. */
  seed?: number
  /** Only this one, as a {@link ScheduleError} has it. */
  schedule?: readonly string[]
}

export interface Exploration {
  /** How many schedules kept the promise. */
  schedules: number
}

/** A schedule that breaks what the handler promises. `cause` is what its check threw. */
export class ScheduleError extends Error {
  override readonly name = 'ScheduleError'

  constructor(
    /** The shortest that was found, to be given to `explore` again. */
    readonly schedule: readonly string[],
    /** What happened in it, a line each. */
    readonly story: readonly string[],
    cause: unknown,
  ) {
    super(messageOf(schedule, story, cause), { cause })
  }
}

/**
 * Looks for a schedule that breaks a handler: duplicates, events in another order, crashes between any two calls, calls
 * that fail, answers that are lost, processes that pause until another takes over. After each schedule all faults end,
 * the sender delivers again what was not answered with success, and the scenario's check looks at the effects.
 *
 * @example
 * await explore({
 *   services: () => ({ payments: new FakePayments() }),
 *   handler: ({ payments }) => async (delivery, attempt) => {
 *     await payments.charge(delivery.json().amount, { idempotencyKey: attempt.keyFor('charge') })
 *     return jsonResponse({ ok: true })
 *   },
 *   check: ({ payments }) => assert.equal(payments.charges.length, 1),
 * })
 *
 * @throws {ScheduleError} one was found: the shortest that breaks it, and what happened
 */
export function explore<Services extends object>(
  scenario: DatabaseScenario<Services>,
  options?: ExploreOptions,
): Promise<Exploration>
export function explore<Services extends object>(
  scenario: Scenario<Services>,
  options?: ExploreOptions,
): Promise<Exploration>
export async function explore<Services extends object>(
  scenario: Scenario<Services> | DatabaseScenario<Services>,
  options: ExploreOptions = {},
): Promise<Exploration> {
  checkOptions('explore', options, { schedules: aNumber, seed: aNumber, schedule: listOf('a list of steps', aText) })
  const { schedules = 1_000, seed = 1, schedule } = options
  if (schedule !== undefined) {
    const outcome = await live(scenario, schedule.map(stepOf))
    if (outcome.broken) throw errorOf(outcome.broken)
    return { schedules: 1 }
  }
  const steps = new Map<string, number>()
  for (const { id } of eventsOf(scenario)) steps.set(id, await stepsOf(scenario, id))
  let tried = 0
  for (const candidate of candidates(steps, seed)) {
    if (tried === schedules) break
    const { broken } = await live(scenario, candidate)
    if (broken) throw errorOf(await shortest(scenario, broken))
    tried++
  }
  return { schedules: tried }
}

interface Broken {
  /** Without the steps at which there was nothing to do. */
  steps: Step[]
  story: readonly string[]
  cause: unknown
}

const errorOf = ({ steps, story, cause }: Broken): ScheduleError => new ScheduleError(steps.map(textOf), story, cause)

async function live<Services extends object>(
  scenario: Scenario<Services> | DatabaseScenario<Services>,
  schedule: readonly Step[],
): Promise<{ broken: Broken | undefined }> {
  const { world, check } = await open(scenario)
  const steps: Step[] = []
  try {
    for (const step of schedule) if (await world.take(step)) steps.push(step)
    await world.end()
    await check()
    return { broken: undefined }
  } catch (cause) {
    return { broken: { steps, story: world.story, cause } }
  } finally {
    await world.close()
  }
}

async function open<Services extends object>(scenario: Scenario<Services> | DatabaseScenario<Services>) {
  const clock = new ManualClock()
  const settings = { clock, events: eventsOf(scenario), source: scenario.source ?? {} }
  if (!('tables' in scenario)) {
    const services = scenario.services()
    const startHandler = (call: CallService) => scenario.handler(asyncServices(services, call))
    const world = new World({ ...settings, store: memoryStore({ clock }), startHandler })
    return { world, check: () => scenario.check(services) }
  }
  const store = sqliteStore(':memory:', { clock })
  const { database } = store
  database.exec(scenario.tables)
  const services = scenario.services(database)
  // The store has the transactions that the handler expects.
  const startHandler = (call: CallService) => scenario.handler(asyncServices(services, call)) as Handler
  const world = new World({ ...settings, store, startHandler })
  return { world, check: () => scenario.check(services, database) }
}

const eventsOf = ({ events = [{ id: 'evt_1' }] }: Pick<Scenario<object>, 'events'>) => events

/** How many steps the event takes when nothing goes wrong. */
async function stepsOf<Services extends object>(
  scenario: Scenario<Services> | DatabaseScenario<Services>,
  event: string,
): Promise<number> {
  const { world } = await open(scenario)
  try {
    await world.take({ does: 'deliver', event, process: 'A' })
    return await world.stepsToEnd('A')
  } finally {
    await world.close()
  }
}

/** Leaves out what is not needed, as long as it breaks. */
async function shortest<Services extends object>(
  scenario: Scenario<Services> | DatabaseScenario<Services>,
  found: Broken,
): Promise<Broken> {
  let best = found
  for (let isShorter = true; isShorter; ) {
    isShorter = false
    for (const candidate of shorter(best.steps)) {
      const { broken } = await live(scenario, candidate)
      if (!broken) continue
      best = broken
      isShorter = true
      break
    }
  }
  return best
}

function* shorter(steps: readonly Step[]): Generator<Step[]> {
  for (let at = steps.length - 1; at >= 0; at--) yield steps.toSpliced(at, 1)
  for (const [at, step] of steps.entries()) {
    if (step.does !== 'work') continue
    for (const fewer of new Set([1, Math.floor(step.steps / 2), step.steps - 1])) {
      if (fewer > 0 && fewer < step.steps) yield steps.with(at, { ...step, steps: fewer })
    }
  }
}

/** A long story begins with what the schedule does, and that is what matters. */
const MOST_LINES = 60

function messageOf(schedule: readonly string[], story: readonly string[], cause: unknown): string {
  const told = story.slice(0, MOST_LINES).map(line => `    ${line}`)
  if (story.length > MOST_LINES) told.push(`    and ${story.length - MOST_LINES} lines more`)
  return [
    schedule.length === 0 ? 'the handler breaks its promise without any fault' : 'a schedule breaks the handler',
    '',
    `  ${String(cause).split('\n').join('\n  ')}`,
    '',
    '  what happened:',
    ...told,
    '',
    `  again: explore(scenario, { schedule: ${JSON.stringify(schedule)} })`,
  ].join('\n')
}
