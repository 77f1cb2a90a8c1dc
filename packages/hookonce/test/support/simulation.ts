import { type Attempt, type Clock, type Store, StoreError } from 'hookonce'
import { ManualClock } from 'hookonce/testing'
import { Engine } from '../../dist/engine/engine.js'
import type { Outcome } from '../../dist/engine/outcome.js'
import { type Random, randomFrom } from '../../dist/testing/explore/random.js'
import { SimulatedProcess } from '../../dist/testing/simulated-process.js'
import { seededly } from './simulation/seededly.js'

export type Fault =
  | 'request_lost'
  | 'answer_lost'
  | 'answer_late'
  | 'command_resent'
  | 'store_down'
  | 'crash'
  | 'pause'
  | 'handler_threw'
  | 'handler_not_recordable'
  | 'handler_hung'

interface Run {
  process: number
  attempt: number
  token: bigint
  startedAt: number
  /** When it ended or was told to stop, whichever was first. */
  overAt: number | undefined
  result: string | undefined
}

export interface Delivered {
  process: number
  deliveredAt: number
  outcome: Outcome<string> | undefined
  answeredAt: number | undefined
}

/** What happened to one key: the clients' view and an independent ledger of runs. */
export interface KeyHistory {
  runs: Run[]
  deliveries: Delivered[]
  /** Faults that may cost this key a run. */
  faults: number
}

export interface History {
  keys: Map<string, KeyHistory>
  fired: Record<Fault, number>
}

export const TIMING = { leaseMs: 900, lockTtlMs: 4_000, waitMs: 1_500, retentionMs: 100_000_000 }
export const STORE_TIMEOUT_MS = 200

class EngineProcess extends SimulatedProcess {
  engine!: Engine

  constructor(
    readonly number: number,
    clock: Clock,
    skewMs: number,
  ) {
    super(clock, skewMs)
  }
}

export interface SimulationOptions {
  seed: number
  store: (clock: Clock) => Store
  faults: boolean
  /** Damages what it is given, to see whether the checks notice. */
  mutate?: (store: Store) => Store
}

/**
 * Some processes over one store, deliveries of few keys to all of them, faults everywhere, then peace and one more
 * delivery of every key. Everything random comes from the seed.
 */
export async function simulate({
  seed,
  store: open,
  faults,
  mutate = store => store,
}: SimulationOptions): Promise<History> {
  const random = randomFrom(seed)
  return seededly(random, () => run(random, open, faults, mutate))
}

async function run(
  random: Random,
  open: (clock: Clock) => Store,
  faulty: boolean,
  mutate: (store: Store) => Store,
): Promise<History> {
  const clock = new ManualClock()
  const store = mutate(open(clock))
  const history: History = {
    keys: new Map(),
    fired: {
      request_lost: 0,
      answer_lost: 0,
      answer_late: 0,
      command_resent: 0,
      store_down: 0,
      crash: 0,
      pause: 0,
      handler_threw: 0,
      handler_not_recordable: 0,
      handler_hung: 0,
    },
  }
  let peace = !faulty
  let storeDown = false

  const keyHistory = (key: string): KeyHistory => {
    let found = history.keys.get(key)
    if (found === undefined) {
      found = { runs: [], deliveries: [], faults: 0 }
      history.keys.set(key, found)
    }
    return found
  }
  const fire = (fault: Fault, key: string): void => {
    history.fired[fault]++
    keyHistory(key).faults++
  }

  /** The store as one process sees it: across a network that delays, loses and repeats. */
  const linkOf = (process: SimulatedProcess): Store => {
    const send = <R>(key: string, operation: () => Promise<R>): Promise<R> =>
      new Promise((resolve, reject) => {
        if (process.dead) return
        const lossy = !peace
        if (storeDown) {
          fire('store_down', key)
          process.after(random.between(0, 20), () => reject(new StoreError('connection refused', 'unknown')))
          return
        }
        if (lossy && random.chance(0.04)) return fire('request_lost', key)
        const arrive = async () => {
          const answer = await operation().then(
            value => () => resolve(value),
            error => () => reject(error),
          )
          if (lossy && random.chance(0.04)) return fire('answer_lost', key)
          let delay = random.between(0, 15)
          if (lossy && random.chance(0.04)) {
            fire('answer_late', key)
            delay += STORE_TIMEOUT_MS * 2
          }
          clock.after(delay, () => process.deliver(answer))
        }
        clock.after(random.between(0, 15), arrive)
        if (lossy && random.chance(0.04)) {
          fire('command_resent', key)
          clock.after(random.between(15, 400), () => void operation().catch(() => {}))
        }
      })
    return {
      ...store,
      name: 'link',
      claim: request => send(request.key, () => store.claim(request)),
      renew: (id, leaseId, leaseMs) => send(id.key, () => store.renew(id, leaseId, leaseMs)),
      complete: (id, leaseId, result) => send(id.key, () => store.complete(id, leaseId, result)),
      fail: (id, leaseId, error) => send(id.key, () => store.fail(id, leaseId, error)),
      get: id => send(id.key, () => store.get(id)),
    }
  }

  const processes: EngineProcess[] = []
  const startProcess = (number: number): EngineProcess => {
    const skew = random.pick([0, 3_600_000, -3_600_000])
    const process = new EngineProcess(number, clock, skew)
    const options = { store: linkOf(process), clock: process, storeTimeoutMs: STORE_TIMEOUT_MS, maxLosses: 1_000 }
    process.engine = new Engine({ ...options, ...TIMING }, () => {})
    processes[number] = process
    return process
  }
  for (let number = 0; number < 3; number++) startProcess(number)

  let results = 0
  const handlerOf = (process: EngineProcess, key: string) => async (attempt: Attempt) => {
    const { runs } = keyHistory(key)
    const run: Run = {
      process: process.number,
      attempt: attempt.number,
      token: BigInt(attempt.fencingToken),
      startedAt: clock.monotonic(),
      overAt: undefined,
      result: undefined,
    }
    runs.push(run)
    const over = () => {
      run.overAt ??= clock.monotonic()
    }
    overWhenGone.set(run, { process, over })
    attempt.signal.addEventListener('abort', over)
    const fault = peace
      ? undefined
      : random.pick([undefined, undefined, undefined, undefined, 'threw', 'not_recordable', 'hung'])
    if (fault !== undefined) fire(`handler_${fault}` as Fault, key)
    const duration = fault === 'hung' ? random.between(3_000, 9_000) : random.between(0, 1_600)
    await new Promise<void>(resolve => void process.after(duration, resolve))
    over()
    if (fault === 'threw') throw new Error('boom')
    if (fault === 'not_recordable') return { value: 'not recordable' }
    const result = `result ${++results} of ${key}`
    run.result = result
    return { value: result, result: Buffer.from(result) }
  }
  const overWhenGone = new Map<Run, { process: SimulatedProcess; over: () => void }>()

  const deliver = (key: string): void => {
    const process = random.pick(processes.filter(each => each.running))
    if (process === undefined) return
    const delivered: Delivered = {
      process: process.number,
      deliveredAt: clock.monotonic(),
      outcome: undefined,
      answeredAt: undefined,
    }
    keyHistory(key).deliveries.push(delivered)
    process.engine
      .process({ scope: 's', key, fingerprint: null, timing: TIMING }, handlerOf(process, key))
      .then(outcome => {
        delivered.outcome = outcome
        delivered.answeredAt = clock.monotonic()
      })
  }
  /** Work of a process that is dead or stopped has no say any more: it counts as over. */
  const gone = (process: SimulatedProcess): void => {
    for (const [run, { process: owner, over }] of overWhenGone) {
      if (owner !== process || run.overAt !== undefined) continue
      over()
    }
    for (const key of history.keys.values()) key.faults++
  }

  const keys = ['a', 'b', 'c'].slice(0, 1 + Math.floor(random.next() * 3))
  for (let step = 0; step < 40; step++) {
    deliver(random.pick(keys))
    if (faulty && random.chance(0.05)) {
      const process = random.pick(processes.filter(each => each.running))
      if (process !== undefined && random.chance(0.5)) {
        history.fired.crash++
        process.dead = true
        gone(process)
        startProcess(process.number)
      } else if (process !== undefined) {
        history.fired.pause++
        process.pause()
        gone(process)
        clock.after(random.between(100, 3_000), () => process.resume())
      }
    }
    if (faulty && random.chance(0.03)) {
      storeDown = true
      clock.after(random.between(50, 2_500), () => {
        storeDown = false
      })
    }
    await clock.advance(random.between(0, 250))
  }

  peace = true
  await clock.advance(3_000)
  await clock.advance(TIMING.lockTtlMs + 2 * TIMING.leaseMs + 9_000)
  for (const key of keys) {
    deliver(key)
    await clock.advance(2 * TIMING.leaseMs + 2_000)
  }
  for (const process of processes) {
    let settled = false
    void process.engine.settled().then(() => {
      settled = true
    })
    await clock.advance(15_000)
    if (!settled) throw new Error(`process ${process.number} never settled`)
  }
  return history
}
