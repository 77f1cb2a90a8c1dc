import { AsyncLocalStorage } from 'node:async_hooks'
import type { DeliveryOutcome } from '../diagnostics.js'
import { resolveTiming } from '../engine/timing.js'
import { ConfigurationError } from '../errors.js'
import { Delivery } from '../http/delivery.js'
import type { Answer } from '../http/response.js'
import { createReceiver, type Receiver, type ReceiverOptions } from '../receiver/receiver.js'
import type { Handler, Source } from '../receiver/source.js'
import { timingOf } from '../receiver/source-options.js'
import { type InMemorySqliteStore, type SqliteTransaction, sqliteStore } from '../stores/sqlite/index.js'
import type { Store, TransactionsOf } from '../stores/store.js'
import type { Clock } from '../util/clock.js'
import { ManualClock } from './manual-clock.js'
import { storeOf } from './process-store.js'
import { requestOf, type TestEvent } from './request.js'
import { SimulatedProcess } from './simulated-process.js'

/** The settings of its only source are among them. */
export interface TestReceiverOptions<S extends Store> extends Omit<ReceiverOptions<S>, 'store' | 'clock'> {
  /** The handler under test. */
  handler: Handler<TransactionsOf<S>>
  /** Default: a SQLite database in memory, which has `attempt.commit`. It must go by the same clock. */
  store?: S
  /** SQL that makes the handler's tables in the default store. */
  tables?: string
  /** Default: a {@link ManualClock}. With `systemClock`, time is the test runner's, real or fake. */
  clock?: Clock
  /** Where deliveries are sent, which some senders sign. Default `http://localhost/webhook`. */
  url?: string
}

/** What the sender gets. */
export interface TestAnswer {
  readonly status: number
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  readonly outcome: DeliveryOutcome
  /** Whether it is the recorded result of an earlier delivery, or of one at the same time. */
  readonly replayed: boolean
  text(): string
  // biome-ignore lint/suspicious/noExplicitAny: the handler's own shape
  json(): any
}

/** A receiver in a process that can crash, with one source and the handler under test behind it. */
export interface TestReceiver<S extends Store = InMemorySqliteStore> {
  /** Time, if no other clock was given. */
  readonly clock: ManualClock
  readonly store: S
  /** The default store's database. */
  readonly database: SqliteTransaction
  /** The process's receiver, to be mounted by an adapter. Another one after a crash. */
  readonly receiver: Receiver<TransactionsOf<S>>
  /** How often the handler was called. */
  readonly runs: number
  /**
   * Delivers an event, by default with the next id of its own. Rejects with {@link CrashError} if the process crashes
   * before it has answered.
   */
  deliver(event?: Partial<TestEvent>): Promise<TestAnswer>
  /** Delivers one event twice at the same time. */
  deliverTwice(event?: Partial<TestEvent>): Promise<[TestAnswer, TestAnswer]>
  /**
   * Ends the process where it is: what it has not done is never done. Another one takes its place, and with a
   * {@link ManualClock} time passes until the lease is over, so that the next delivery is another attempt. Called
   * within the handler, it never returns.
   */
  crash(): Promise<void>
  /** Closes the store. */
  close(): Promise<void>
}

/** The process whose handler runs. */
const inside = new AsyncLocalStorage<SimulatedProcess>()

/** The connection broke: the process crashed before it answered. */
export class CrashError extends Error {
  override readonly name = 'CrashError'

  constructor() {
    super('the process crashed before it answered')
  }
}

/**
 * A receiver for the test of a handler: no server, no file, no waiting.
 *
 * @example
 * const orders = await testReceiver({ handler: onOrder, sender: stripe({ secrets: ['whsec_test'] }) })
 * const [first, second] = await orders.deliverTwice()
 * assert.equal(orders.runs, 1)
 * assert.deepEqual(first.body, second.body)
 *
 * @throws {ConfigurationError} an option is invalid, or the default store has no driver here
 */
export async function testReceiver<S extends Store = InMemorySqliteStore>(
  options: TestReceiverOptions<S>,
): Promise<TestReceiver<S>> {
  const { handler, store: given, tables, clock = new ManualClock(), url, ...settings } = options
  if (given !== undefined && tables !== undefined) {
    throw new ConfigurationError('testReceiver makes tables in its own store only')
  }
  const { store, database } = given === undefined ? openOwnStore(clock, tables) : { store: given, database: undefined }
  const { leaseMs } = resolveTiming(settings, settings.sender && timingOf(settings.sender))
  let events = 0
  let runs = 0
  let current = begin()

  interface TestProcess {
    process: SimulatedProcess
    receiver: Receiver<TransactionsOf<S>>
    source: Source<TransactionsOf<S>>
    /** Breaks the connections that wait for an answer. */
    breaks: Set<() => void>
  }

  function begin(): TestProcess {
    const process = new SimulatedProcess(clock)
    const receiver = createReceiver({ ...settings, store: storeOf(process, store as S), clock: process })
    return { process, receiver, source: receiver.source({ name: 'test' }), breaks: new Set() }
  }

  async function deliver(event: Partial<TestEvent> = {}): Promise<TestAnswer> {
    const { id = `evt_${++events}` } = event
    const request = requestOf({ ...event, id }, { sender: settings.sender, now: clock.now(), ...(url && { url }) })
    const { process, source, breaks } = current
    return new Promise((resolve, reject) => {
      const broken = () => reject(new CrashError())
      breaks.add(broken)
      const handle: Handler<TransactionsOf<S>> = (delivery, attempt) => {
        runs++
        return inside.run(process, () => handler(delivery, attempt))
      }
      void source.receive(new Delivery(request), handle).then(answer => {
        breaks.delete(broken)
        resolve(testAnswer(answer))
      })
    })
  }

  return {
    get clock(): ManualClock {
      if (isManual(clock)) return clock
      throw new ConfigurationError('testReceiver was given another clock')
    },
    store: store as S,
    get database(): SqliteTransaction {
      if (database !== undefined) return database
      throw new ConfigurationError('testReceiver was given another store')
    },
    get receiver() {
      return current.receiver
    },
    get runs() {
      return runs
    },
    deliver,
    deliverTwice(event = {}) {
      const { id = `evt_${++events}` } = event
      return Promise.all([deliver({ ...event, id }), deliver({ ...event, id })])
    },
    async crash() {
      const crashed = current
      crashed.process.dead = true
      current = begin()
      if (isManual(clock)) await clock.advance(leaseMs)
      for (const broken of crashed.breaks) broken()
      if (inside.getStore() === crashed.process) await new Promise(() => {})
    },
    close: () => store.close(),
  }
}

/** Also one of this library's other copy. */
const isManual = (clock: Clock): clock is ManualClock => 'advance' in clock

function openOwnStore(clock: Clock, tables: string | undefined) {
  const store = sqliteStore(':memory:', { clock })
  const { database } = store
  if (tables !== undefined) database.exec(tables)
  return { store, database }
}

function testAnswer({ status, headers, body, outcome }: Answer): TestAnswer {
  const bytes = Buffer.from(body)
  return {
    status,
    headers: Object.fromEntries(headers),
    body: bytes,
    outcome,
    replayed: outcome === 'replayed' || outcome === 'joined',
    text: () => bytes.toString(),
    json: () => JSON.parse(bytes.toString()),
  }
}
