import { Engine } from '../engine/engine.js'
import { ENGINE_RULES, type IdempotencyOptions } from '../engine/options.js'
import type { Delivery } from '../http/delivery.js'
import { decodeDelivery } from '../http/delivery-codec.js'
import type { RecordedResponse } from '../http/response.js'
import { decodeResponse } from '../http/response-codec.js'
import type { ListQuery, RecordPage, RecordSummary, Store, TransactionsOf } from '../stores/store.js'
import { aText, checkOptions } from '../util/options.js'
import { createReport } from '../util/report.js'
import { withDefaults } from '../util/with-defaults.js'
import { INTERNALS, type ReceiverInternals } from './internals.js'
import { checkSourceName, type Source, type SourceOptions, sourceOf } from './source.js'
import { resolveOptions, SOURCE_RULES, type SourceSettings } from './source-options.js'

/** Rules are those of every source that has none of its own. */
export interface ReceiverOptions<S extends Store = Store> extends SourceSettings, IdempotencyOptions<S> {}

/** A record with its response decoded. */
export interface ReceiverRecord extends RecordSummary {
  response: RecordedResponse | null
  /** What was accepted, of a record of an inbox. */
  delivery?: Delivery
}

/** One store, and the sources whose keys and results are kept in it. */
export interface Receiver<Kind = never> {
  /**
   * An endpoint with a name, and with rules of its own where `options` has them. Two with one name share their keys.
   * @throws {ConfigurationError} naming the option and what is allowed
   */
  source(options: SourceOptions): Source<Kind>
  /** What is recorded for a key of the named source. @throws {StoreError} also when the store does not answer in time */
  record(source: string, key: string): Promise<ReceiverRecord | undefined>
  /** One page of records, at most `limit`, without what was answered or accepted. @throws {StoreError} */
  records(query: ListQuery): Promise<RecordPage>
  /** Forgets a key. A running attempt is refused (`running`) unless forced; its result is refused then. @throws {StoreError} */
  deleteRecord(source: string, key: string, options?: { force?: boolean }): Promise<'deleted' | 'absent' | 'running'>
  /** Resolves when no attempt is in flight, results still on their way to the store included. */
  settled(): Promise<void>
  /** How many attempts run, by source; a source without any is absent. */
  running(): Map<string, number>
  /** Aborts the signal of every running attempt. */
  abort(): void
  /** Resolves when the store can do its work. @throws {StoreError} */
  ready(): Promise<void>
  /** Closes the store. Wait for `settled()` first. */
  close(): Promise<void>
}

/**
 * @example
 * const receiver = createReceiver({ store: sqliteStore('./data/hookonce.db') })
 * const orders = receiver.source({ name: 'orders' })
 *
 * @throws {ConfigurationError} naming the option and what is allowed
 */
export function createReceiver<S extends Store>(options: ReceiverOptions<S>): Receiver<TransactionsOf<S>> {
  checkOptions('createReceiver', options, { ...SOURCE_RULES, ...ENGINE_RULES }, ['store'])
  const engine = new Engine(options, createReport(options.onEvent))
  const { running } = engine.context
  const routeOptions = resolveOptions(options)
  const internals: ReceiverInternals = {
    engine,
    options,
    routeSource(name) {
      // The space keeps it apart from the names that `source` takes.
      checkSourceName(name.replace(' ', '_'))
      return sourceOf(engine, routeOptions, name)
    },
  }
  const receiver: Receiver<TransactionsOf<S>> = {
    source(given) {
      checkOptions('receiver.source', given, { ...SOURCE_RULES, name: aText }, ['name'])
      const { name, ...own } = given
      checkSourceName(name)
      return sourceOf(engine, resolveOptions(withDefaults(options, own)), name)
    },
    async record(source, key) {
      const record = await engine.get({ scope: source, key })
      if (record === undefined) return undefined
      const { result, delivery, ...summary } = record
      const response = result === null ? null : decodeResponse(result)
      return delivery === undefined
        ? { ...summary, response }
        : { ...summary, response, delivery: await decodeDelivery(delivery) }
    },
    records: query => engine.list(query),
    deleteRecord: (source, key, how) => engine.delete({ scope: source, key }, how),
    settled: () => engine.settled(),
    running: () => running.counts(),
    abort: () => running.abort(),
    ready: () => engine.ready(),
    close: () => options.store.close(),
  }
  Object.defineProperty(receiver, INTERNALS, { value: internals })
  return receiver
}
