import { AsyncLocalStorage } from 'node:async_hooks'
import { inspect } from 'node:util'
import { StoreError } from '../../errors.js'
import { Delivery } from '../../http/delivery.js'
import type { Answer } from '../../http/response.js'
import { createReceiver } from '../../receiver/receiver.js'
import type { Handler, Source } from '../../receiver/source.js'
import type { SourceSettings } from '../../receiver/source-options.js'
import type { Store } from '../../stores/store.js'
import { flush, type ManualClock } from '../manual-clock.js'
import { storeOf } from '../process-store.js'
import { requestOf, type TestEvent } from '../request.js'
import { SimulatedProcess } from '../simulated-process.js'
import { Call } from './call.js'
import { PROCESSES, type ProcessName, type Step } from './schedule.js'
import type { CallService } from './services.js'

export interface WorldOptions {
  events: readonly TestEvent[]
  source: SourceSettings
  clock: ManualClock
  store: Store
  /** A handler for a process that starts. */
  startHandler(call: CallService): Handler
}

/** One call of the handler. */
interface Run {
  process: LivingProcess
  isOver: boolean
}

interface LivingProcess extends SimulatedProcess {
  name: ProcessName
  source: Source
  handler: Handler
  calls: Call[]
}

interface EventState {
  event: TestEvent
  isAcknowledged: boolean
  /** Who is to answer it. */
  waiting: Set<LivingProcess>
  lastAnswer: string | undefined
}

/** Longer than a lease, and than a duplicate waits. */
const LEASE_OVER_MS = 20_000
/** How often the sender delivers again what was not answered with success. */
const MOST_ROUNDS = 8
/** How long a handler may wait for what is not one of its services, in real time. */
const MOST_WAIT_MS = 1_000

// A test's fake timers may replace it later.
const { setTimeout: later } = globalThis

/** One for all worlds: each costs every promise some time. */
const currentRun = new AsyncLocalStorage<Run>()

/** Two processes over one store live through a schedule. */
export class World {
  /** What happened, a line each. */
  readonly story: string[] = []
  readonly #options: WorldOptions
  readonly #clock: ManualClock
  readonly #store: Store
  readonly #processes = new Map<ProcessName, LivingProcess>()
  readonly #events: Map<string, EventState>
  readonly #runs = new Set<Run>()

  constructor(options: WorldOptions) {
    this.#options = options
    this.#clock = options.clock
    this.#store = options.store
    this.#events = new Map()
    for (const event of options.events) {
      this.#events.set(event.id, { event, isAcknowledged: false, waiting: new Set(), lastAnswer: undefined })
    }
    for (const name of PROCESSES) this.#start(name)
  }

  /** Returns whether there was anything to do. */
  async take(step: Step): Promise<boolean> {
    if (step.does === 'wait') {
      this.story.push(`${step.seconds} seconds pass`)
      await this.#pass(1_000 * step.seconds)
      return true
    }
    const process = this.#processes.get(step.process)!
    switch (step.does) {
      case 'deliver':
        return this.#deliver(step.event, process)
      case 'work':
        return (await this.#work(process, step.steps)) > 0
      case 'crash':
        return this.#crash(process)
      case 'pause':
        if (!process.running) return false
        process.pause()
        this.story.push(`${process.name} pauses`)
        return true
      case 'resume':
        if (process.running) return false
        this.story.push(`${process.name} resumes`)
        await process.resume()
        await this.#settle()
        return true
      case 'fail':
      case 'lose':
        return this.#break(process, step.does)
    }
  }

  /** All faults end: what was begun is finished, and what was not answered with success is delivered again. */
  async end(): Promise<void> {
    for (const process of this.#processes.values()) {
      if (!process.running) await this.take({ does: 'resume', process: process.name })
    }
    await this.#finishCalls()
    for (let round = 0; round < MOST_ROUNDS && (this.#open.length > 0 || this.#runs.size > 0); round++) {
      for (const { event, waiting } of this.#open) {
        if (waiting.size === 0) await this.#deliver(event.id, this.#processes.get(PROCESSES[round % 2]!)!)
      }
      await this.#finishCalls()
      // What waits for another attempt, or for a store that answers again.
      if (this.#open.some(({ waiting }) => waiting.size > 0)) await this.#pass(LEASE_OVER_MS)
    }
    if (this.#runs.size > 0) throw new Error('a handler never ends')
    const [open] = this.#open
    if (open) throw new Error(`${open.event.id} is never answered with success; the last answer: ${open.lastAnswer}`)
  }

  /** How many steps a process has before it in all. */
  async stepsToEnd(name: ProcessName): Promise<number> {
    return this.#work(this.#processes.get(name)!, Number.MAX_SAFE_INTEGER)
  }

  close(): Promise<void> {
    for (const process of this.#processes.values()) process.dead = true
    return this.#store.close()
  }

  #start(name: ProcessName): void {
    const process = Object.assign(new SimulatedProcess(this.#clock), { name, calls: [] }) as unknown as LivingProcess
    const store = storeOf(process, this.#store, (operation, question) => {
      const told = RESULTS[operation]
      return told === undefined ? question() : this.#call(process, told, question, storeFailure)
    })
    const onEvent = () => {}
    const receiver = createReceiver({ ...this.#options.source, store, clock: process, onEvent })
    process.source = receiver.source({ name: 'explored' })
    process.handler = this.#options.startHandler((service, given, perform) => {
      const text = `${service}(${given.map(value => inspect(value, INSPECTION)).join(', ')})`
      return this.#call(process, text.length > 100 ? `${text.slice(0, 99)}…` : text, perform, serviceFailure)
    })
    this.#processes.set(name, process)
  }

  #call(
    process: LivingProcess,
    name: string,
    perform: () => unknown,
    failure: (text: string, isLost: boolean) => Error,
  ): Promise<unknown> {
    if (process.dead) return new Promise(() => {})
    const call = new Call(name, currentRun.getStore(), perform, failure)
    process.calls.push(call)
    return call.answer
  }

  async #deliver(id: string, process: LivingProcess): Promise<boolean> {
    const state = this.#events.get(id)
    if (state === undefined || !process.running) return false
    this.story.push(`${id} is delivered to ${process.name}`)
    state.waiting.add(process)
    const { sender } = this.#options.source
    const delivery = new Delivery(requestOf(state.event, { sender, now: this.#clock.now() }))
    const handle: Handler = (given, attempt) =>
      this.#run(process, id, attempt.number, () => process.handler(given, attempt))
    void process.source.receive(delivery, handle).then(answer => {
      if (process.dead) return
      state.waiting.delete(process)
      this.#answered(state, answer, process)
    })
    await this.#settle()
    return true
  }

  async #run<T>(process: LivingProcess, id: string, attempt: number, work: () => T | Promise<T>): Promise<T> {
    const run: Run = { process, isOver: false }
    this.#runs.add(run)
    this.story.push(`${process.name} begins attempt ${attempt} of ${id}`)
    try {
      return await currentRun.run(run, work)
    } catch (error) {
      this.story.push(`${process.name}: the handler throws ${firstLine(error)}`)
      throw error
    } finally {
      run.isOver = true
      this.#runs.delete(run)
    }
  }

  #answered(state: EventState, { status, outcome, body }: Answer, { name }: LivingProcess): void {
    const text = `${status} (${outcome})`
    this.story.push(`${name} answers ${state.event.id} with ${text}`)
    state.lastAnswer = status < 300 ? text : `${text} ${Buffer.from(body).toString().slice(0, 300)}`
    if (status < 300) state.isAcknowledged = true
  }

  /** Takes steps of a process in the order of its calls; returns how many there were. */
  async #work(process: LivingProcess, most: number): Promise<number> {
    let taken = 0
    for (; taken < most && process.running; taken++) {
      const [call] = process.calls
      if (call === undefined) break
      if (call.isPerformed) {
        process.calls.shift()
        call.giveAnswer()
      } else {
        this.story.push(`${process.name}: ${call.name}`)
        await call.perform()
      }
      await this.#settle()
    }
    return taken
  }

  get #open(): EventState[] {
    return [...this.#events.values()].filter(({ isAcknowledged }) => !isAcknowledged)
  }

  async #pass(ms: number): Promise<void> {
    await this.#clock.advance(ms)
    await this.#settle()
  }

  /** In turn, until no process waits for an answer. */
  async #finishCalls(): Promise<void> {
    for (let taken = 1; taken > 0; ) {
      taken = 0
      for (const process of this.#processes.values()) taken += await this.#work(process, 1)
    }
  }

  async #break(process: LivingProcess, how: 'fail' | 'lose'): Promise<boolean> {
    const [call] = process.calls
    if (call === undefined || !process.running || (how === 'fail' && call.isPerformed)) return false
    if (how === 'lose' && !call.isPerformed) await call.perform()
    process.calls.shift()
    this.story.push(
      `${process.name}: ${call.name} ${how === 'fail' ? 'fails, and has no effect' : 'has its effect, and its answer is lost'}`,
    )
    call.break(how === 'lose')
    await this.#settle()
    return true
  }

  async #crash(process: LivingProcess): Promise<boolean> {
    if (process.dead) return false
    const [call] = process.calls
    const where = call === undefined ? '' : call.isPerformed ? ` after ${call.name}` : ` before ${call.name}`
    this.story.push(`${process.name} crashes${where}`)
    process.dead = true
    for (const run of this.#runs) if (run.process === process) this.#runs.delete(run)
    for (const state of this.#events.values()) state.waiting.delete(process)
    this.#start(process.name)
    await this.#settle()
    return true
  }

  /** Until every handler waits for a step. */
  async #settle(): Promise<void> {
    let giveUpAt: number | undefined
    for (;;) {
      await flush()
      const isBusy = [...this.#runs].some(
        run => run.process.running && !run.process.calls.some(call => call.run === run),
      )
      if (!isBusy) return
      giveUpAt ??= performance.now() + MOST_WAIT_MS
      if (performance.now() > giveUpAt) throw new Error(UNCONTROLLED)
      await new Promise(resolve => void later(resolve, 1))
    }
  }
}

const UNCONTROLLED = `the handler waits for something other than its services for more than ${MOST_WAIT_MS} ms: make that one of them, a timer too`

/** How operations of the store that end an attempt are told. */
const RESULTS: Record<string, string> = { complete: 'the result is recorded', transact: 'the transaction is committed' }

const INSPECTION = { depth: 2, breakLength: Number.POSITIVE_INFINITY, maxStringLength: 40 }

const storeFailure = (text: string, isLost: boolean): Error => new StoreError(text, isLost ? 'unknown' : 'refused')
const serviceFailure = (text: string): Error => new Error(text)

const firstLine = (error: unknown): string => String(error).split('\n')[0]!.slice(0, 200)
