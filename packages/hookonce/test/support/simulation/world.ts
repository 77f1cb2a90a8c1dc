import assert from 'node:assert/strict'
import {
  createInbox,
  createReceiver,
  Delivery,
  type HandlerResponse,
  type Inbox,
  type InboxStore,
  NonRetriableError,
  type Receiver,
  type Source,
} from 'hookonce'
import { memoryStore } from 'hookonce/stores/memory'
import { ManualClock } from 'hookonce/testing'
import { randomFrom } from '../../../dist/testing/explore/random.js'
import { SimulatedProcess } from '../../../dist/testing/simulated-process.js'
import { type Answered, type History, keyHistory, nameOf, observed, type Run } from './history.js'
import { type Ledger, linkTo, type Network, STORE_TIMEOUT_MS, type WholeStore } from './link.js'
import { seededly } from './seededly.js'
import { PROCESSES, type SourceName, type Step } from './steps.js'

export const TIMING = { leaseMs: 900, lockTtlMs: 4_000, waitMs: 1_500, retentionMs: 100_000_000 }
export const BRIEF_RETENTION_MS = 2_000
const RETRY_DELAYS_MS = [200, 400, 800]
const MAX_LOSSES = 4
/** Between the sending of a claim and its run: two questions to the store. */
export const CLAIM_TAKES_MS = 2 * STORE_TIMEOUT_MS + 50
/** The longest between two offers of a result. */
const LAST_PAUSE_MS = 2_000
/** Longer than any lease, pause, retry and step of the clock together. */
const HEALING_MS = 40_000

type Kind = { tx: Ledger; mode: 'async' }
type Attempt = Parameters<Parameters<Source<Kind>['receive']>[1]>[1]

interface Living extends SimulatedProcess {
  number: number
  receiver: Receiver<Kind>
  inbox: Inbox
  sources: Record<SourceName, Source<Kind>>
}

export interface WorldOptions {
  /** Damages the store, to see whether the rules notice. */
  damage?: (store: InboxStore) => Partial<InboxStore>
}

/** Three processes over one store live through the steps, then through peace until all is settled. */
export function live(steps: readonly Step[], seed: number, options: WorldOptions = {}): Promise<History> {
  const random = randomFrom(seed + 0x9e3779b9)
  return seededly(random, async () => {
    const clock = new ManualClock()
    let stepped = 0
    let furthest = 0
    // A store may go by either of its clocks: both step.
    const storeClock = {
      now: () => Math.floor(clock.now() + stepped),
      monotonic: () => clock.monotonic() + stepped,
      after: (ms: number, callback: () => void) => clock.after(ms, callback),
    }
    const history: History = { keys: new Map(), clockSteps: [], records: [], healedAt: 0, fired: {} }
    const fired = (what: string) => {
      history.fired[what] = (history.fired[what] ?? 0) + 1
    }
    const network: Network = { peace: false, down: false, slow: false, fired }
    const memory = memoryStore({ clock: storeClock })
    const damaged = options.damage ? Object.assign(Object.create(memory), options.damage(memory)) : memory
    const store = observed(fromPrototype(damaged), clock, () => Math.max(furthest, storeClock.now()), history)
    const over = new Map<Run, () => void>()

    async function handle(
      process: Living,
      source: SourceName,
      key: string,
      attempt: Attempt,
    ): Promise<HandlerResponse> {
      const id = { scope: source, key }
      const run: Run = {
        id,
        process,
        attempt: attempt.number,
        token: BigInt(attempt.fencingToken),
        startedAt: clock.monotonic(),
        overAt: undefined,
        result: undefined,
      }
      const { runs } = keyHistory(history, id)
      runs.push(run)
      const end = () => {
        run.overAt ??= clock.monotonic()
      }
      over.set(run, end)
      attempt.signal.addEventListener('abort', end)
      const fault = network.peace || random.chance(0.7) ? 'none' : random.pick(['throws', 'fails', 'hangs', 'gives up'])
      if (fault !== 'none') fired(`handler ${fault}`)
      const takesMs = fault === 'hangs' ? random.between(3_000, 9_000) : random.between(0, 1_200)
      await new Promise<void>(resolve => void process.after(takesMs, resolve))
      if (fault === 'throws') throw endedWith(end, new Error('boom'))
      if (fault === 'gives up') throw endedWith(end, new NonRetriableError('never'))
      if (fault === 'fails') return endedWith(end, textResponse('no', 500))
      const text = `${nameOf(id)} run ${runs.indexOf(run)}`
      const response = textResponse(text, 200)
      if (source === 'committed') {
        // From here on its effects stand or fall with its result, however long that takes.
        end()
        return attempt.commit(async tx => {
          tx.write(text)
          return response
        })
      }
      const now = clock.monotonic()
      end()
      // The holder offers it until the lock TTL, and a late one for a lease more; the last pause is not waited for.
      const heldUntil =
        Math.max(run.startedAt - CLAIM_TAKES_MS + TIMING.lockTtlMs, now + TIMING.leaseMs) - LAST_PAUSE_MS
      run.result = { text, since: now, heldUntil }
      return response
    }

    const processes: Living[] = []
    function begin(number: number): void {
      const process = new SimulatedProcess(clock, random.pick([0, 3_600_000, -3_600_000])) as Living
      process.number = number
      const linked = linkTo(store, process, network, random)
      const told: WholeStore = Object.assign(Object.create(linked), {
        async complete(...given: Parameters<WholeStore['complete']>) {
          const outcome = await linked.complete(...given)
          // From now on it is the store's, or nobody's.
          for (const run of keyHistory(history, given[0]).runs) {
            if (run.process === process && run.result)
              run.result.heldUntil = Math.min(run.result.heldUntil, clock.monotonic())
          }
          return outcome
        },
      })
      process.receiver = createReceiver({
        store: fromPrototype(told),
        clock: process,
        storeTimeoutMs: STORE_TIMEOUT_MS,
        maxLosses: MAX_LOSSES,
        onEvent: () => {},
        ...TIMING,
      }) as Receiver<Kind>
      const handler = (source: SourceName) => ({
        retryDelaysMs: RETRY_DELAYS_MS,
        handler: (delivery: Delivery, attempt: unknown) => handle(process, source, keyOf(delivery), attempt as Attempt),
      })
      process.inbox = createInbox({
        receiver: process.receiver,
        handlers: { accepted: handler('accepted'), committed: handler('committed') },
      })
      process.sources = {
        answered: process.receiver.source({ name: 'answered' }),
        brief: process.receiver.source({ name: 'brief', retentionMs: BRIEF_RETENTION_MS }),
        accepted: process.inbox.source('accepted') as Source<Kind>,
        committed: process.inbox.source('committed') as Source<Kind>,
      }
      process.inbox.start()
      processes[number] = process
    }
    for (const number of PROCESSES) begin(number)

    function deliver(process: Living, source: SourceName, key: string): void {
      if (!process.running) return
      const askedAt = clock.monotonic()
      const answered: Answered = { process, askedAt, answeredAt: undefined, status: undefined, body: undefined }
      keyHistory(history, { scope: source, key }).answers.push(answered)
      const headers: [string, string][] = [['x-idempotency-key', key]]
      const delivery = new Delivery({ method: 'POST', url: `/${source}`, headers, body: Buffer.from('{}') })
      void process.sources[source]
        .receive(delivery, (_, attempt) => handle(process, source, key, attempt))
        .then(({ status, body }) => {
          answered.answeredAt = clock.monotonic()
          answered.status = status
          answered.body = Buffer.from(body).toString()
        })
    }

    /** Work of a process that is dead or stopped has no say any more. */
    function gone(process: Living): void {
      for (const [run, end] of over) {
        if (run.process !== process) continue
        end()
        if (run.result) run.result.heldUntil = 0
      }
    }

    function crash(process: Living): void {
      process.dead = true
      gone(process)
      begin(process.number)
    }

    const asked = (question: Promise<unknown>) => void question.catch(() => {})
    async function take(step: Step): Promise<void> {
      if (step.does !== 'deliver' && step.does !== 'wait') fired(step.does)
      switch (step.does) {
        case 'deliver':
          return deliver(processes[step.process]!, step.source, step.key)
        case 'wait':
          return clock.advance(step.ms)
        case 'crash':
          return crash(processes[step.process]!)
        case 'pause': {
          const process = processes[step.process]!
          if (!process.running) return
          process.pause()
          gone(process)
          clock.after(step.ms, () => process.resume())
          return
        }
        case 'drain': {
          const process = processes[step.process]!
          if (!process.running) return
          const settled = Promise.all([process.inbox.stop(), process.receiver.settled()])
          // A process that was told to end is replaced at once; what it still does, it does beside its successor.
          begin(step.process)
          asked(settled)
          return
        }
        case 'down':
        case 'slow': {
          const { does } = step
          network[does] = true
          clock.after(step.ms, () => {
            network[does] = false
          })
          return
        }
        case 'clock':
          furthest = Math.max(furthest, storeClock.now())
          stepped += step.ms
          history.clockSteps.push({ at: clock.monotonic(), ms: step.ms })
          return
        case 'delete': {
          const { process, source, key, force } = step
          return asked(processes[process]!.receiver.deleteRecord(source, key, { force }))
        }
        case 'redrive': {
          const { process, source, key, completed, waiting } = step
          return asked(processes[process]!.inbox.redrive(source, key, { completed, waiting }))
        }
        case 'purge':
          return asked(store.purge(100))
      }
    }

    for (const step of steps) await take(step)
    network.peace = true
    await clock.advance(HEALING_MS)
    history.healedAt = clock.monotonic()
    history.records = (await store.list({ limit: 1_000 })).records
    // What was not answered by now, and all its keys are free: one more delivery of each.
    for (const name of history.keys.keys()) {
      const [source, key] = name.split('/') as [SourceName, string]
      deliver(processes[0]!, source, key)
    }
    await clock.advance(HEALING_MS)
    let ended = 0
    for (const { inbox, receiver } of processes) {
      void Promise.all([inbox.stop(), receiver.settled()]).then(() => ended++)
    }
    await clock.advance(TIMING.lockTtlMs)
    assert.equal(ended, processes.length, 'every process comes to its end')
    return history
  })
}

/** What is only on the prototype is asked for by spreads too. */
function fromPrototype<S extends object>(store: S): S {
  const all = {} as Record<string, unknown>
  for (const name in store) {
    const value = store[name as keyof S]
    all[name] = typeof value === 'function' ? value.bind(store) : value
  }
  return all as S
}

function endedWith<T>(end: () => void, value: T): T {
  end()
  return value
}

const textResponse = (text: string, status: number): HandlerResponse => ({
  status,
  headers: [],
  body: Buffer.from(text),
})

const keyOf = (delivery: Delivery): string => delivery.header('x-idempotency-key')!
