import { inRange } from '../engine/timing.js'
import { ConfigurationError } from '../errors.js'
import type { HandlerResponse } from '../http/response.js'
import { internalsOf } from '../receiver/internals.js'
import type { Receiver } from '../receiver/receiver.js'
import { checkSourceName, type Source } from '../receiver/source.js'
import type { RedriveOptions, RedriveOutcome } from '../stores/inbox-store.js'
import { aNumber, anObject, checkOptions, hint, type Rules, shown } from '../util/options.js'
import { withDefaults } from '../util/with-defaults.js'
import { Slots } from './concurrency.js'
import { workOn } from './delivery-work.js'
import { Queue } from './queue.js'
import { acceptingSource } from './source.js'
import {
  INBOX_SOURCE_RULES,
  type InboxHandler,
  type InboxSourceOptions,
  resolveInboxOptions,
} from './source-options.js'
import type { Worker } from './worker.js'

export interface InboxOptions<Kind = never> {
  receiver: Receiver<Kind>
  /** By the name of the source. */
  handlers: Record<string, InboxHandler<Kind> | InboxSourceOptions<Kind>>
  /** How many attempts may run at once in this process, of all sources together. Default 20. */
  concurrency?: number
}

const INBOX_RULES: Rules = {
  receiver: { words: 'a receiver made by createReceiver', allows: value => internalsOf(value) !== undefined },
  handlers: anObject,
  concurrency: aNumber,
}

export interface Inbox {
  /** The source to mount in an adapter: it accepts, and calls no handler. @throws {ConfigurationError} no such source */
  source(name: string): Source
  /** Starts to work on what was accepted, in this process or another. */
  start(): void
  /** Takes nothing more; resolves when what runs has ended. */
  stop(): Promise<void>
  /**
   * A new round of attempts for a dead delivery; with `completed`, also for a completed one that is to be processed
   * again. With `waiting`, a delivery that waits for its next attempt is `due` at once, in the same round. `busy` while an
   * attempt runs or, without `waiting`, is still to come. @throws {StoreError}
   */
  redrive(source: string, key: string, options?: RedriveOptions): Promise<RedriveOutcome>
}

/**
 * Acknowledges deliveries in milliseconds and works on them until they succeed or are set aside for a person. Every
 * delivery that was acknowledged is recorded: it survives a crash, a restart, and an application that is down for days.
 *
 * @example
 * const receiver = createReceiver({ store: sqliteStore('./data/hookonce.db') })
 * const inbox = createInbox({
 *   receiver,
 *   handlers: { orders: async (delivery, attempt) => ship(delivery.json(), attempt.keyFor('ship')) },
 * })
 * app.post('/hooks/orders', idempotent(inbox.source('orders')))
 * inbox.start()
 *
 * @throws {ConfigurationError} naming the option and what is allowed
 */
export function createInbox<Kind>(given: InboxOptions<Kind>): Inbox {
  checkOptions('createInbox', given, INBOX_RULES, ['receiver', 'handlers'])
  const { receiver, handlers, concurrency = 20 } = given
  inRange('concurrency', concurrency, 1, 100_000)
  const { engine, options } = internalsOf(receiver)!
  const queue = new Queue(engine)
  const slots = new Slots(concurrency)
  const workers: Worker<HandlerResponse>[] = []
  const sources = new Map(
    Object.entries(handlers).map(([name, given]) => {
      checkSourceName(name)
      const own = typeof given === 'function' ? { handler: given } : given
      checkOptions(`createInbox: handlers.${name}`, own, INBOX_SOURCE_RULES, ['handler'])
      const resolved = resolveInboxOptions<Kind>(withDefaults(options, own))
      const quota = engine.quota(name, resolved.limits)
      const source = acceptingSource(engine, queue, quota, name, resolved)
      return [name, { source, work: () => workOn(engine, queue, quota, slots, name, resolved) }]
    }),
  )

  return {
    source(name) {
      const known = sources.get(name)
      if (known !== undefined) return known.source
      throw new ConfigurationError(`the inbox has no source ${shown(name)}${hint(String(name), [...sources.keys()])}`)
    },
    start() {
      if (workers.length > 0) return
      for (const { work } of sources.values()) workers.push(work())
    },
    async stop() {
      await Promise.all(workers.splice(0).map(worker => worker.stop()))
    },
    redrive: (source, key, how) => queue.redrive({ scope: source, key }, how),
  }
}
