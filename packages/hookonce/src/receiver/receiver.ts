import { Engine } from '../engine/engine.js'
import { ENGINE_RULES, type IdempotencyOptions } from '../engine/options.js'
import type { Delivery } from '../http/delivery.js'
import { decodeDelivery } from '../http/delivery-codec.js'
import type { RecordedResponse } from '../http/response.js'
import { decodeResponse } from '../http/response-codec.js'
import type { ListQuery, RecordedAttempt, RecordPage, RecordSummary, Store, TransactionsOf } from '../stores/store.js'
import { aText, checkOptions } from '../util/options.js'
import { createReport } from '../util/report.js'
import { withDefaults } from '../util/with-defaults.js'
import { INTERNALS, type ReceiverInternals } from './internals.js'
import { checkSourceName, type Source, type SourceOptions, sourceOf } from './source.js'
import { resolveOptions, SOURCE_RULES, type SourceSettings } from './source-options.js'

/** Source options are the defaults of every source. */
export interface ReceiverOptions<S extends Store = Store> extends SourceSettings, IdempotencyOptions<S> {}

/** A record with its response decoded. */
export interface ReceiverRecord extends RecordSummary {
  /** Its last attempts, ten at most, a running one included, oldest first. */
  history: RecordedAttempt[]
  response: RecordedResponse | null
  /** The accepted delivery, in a record of an inbox. */
  delivery?: Delivery
}

/** A store and its sources. */
export interface Receiver<Kind = never> {
  /**
   * A named endpoint. `options` override the receiver's. Sources with one name share their keys.
   *
   * @throws {ConfigurationError} an option is invalid; the message names it and the allowed values
   */
  source(options: SourceOptions): Source<Kind>
  /** The record of a key of the named source. @throws {StoreError} the store fails or does not answer in time */
  record(source: string, key: string): Promise<ReceiverRecord | undefined>
  /** A page of at most `limit` records, without responses and deliveries. @throws {StoreError} the store fails */
  records(query: ListQuery): Promise<RecordPage>
  /**
   * Deletes a record. A record with a running attempt is kept (`running`) unless `force` is set; the attempt's result
   * is then refused.
   *
   * @throws {StoreError} the store fails
   */
  deleteRecord(source: string, key: string, options?: { force?: boolean }): Promise<'deleted' | 'absent' | 'running'>
  /** Resolves when no attempt is in flight and every result is stored. */
  settled(): Promise<void>
  /** The number of running attempts by source. Sources without any are absent. */
  running(): Map<string, number>
  /** Aborts the signal of every running attempt. */
  abort(): void
  /** Resolves if the store works. @throws {StoreError} the store fails */
  ready(): Promise<void>
  /** Closes the store. Wait for `settled()` first. */
  close(): Promise<void>
}

/**
 * Makes a receiver over a store.
 *
 * @example
 * const receiver = createReceiver({ store: sqliteStore('./data/hookonce.db') })
 * const orders = receiver.source({ name: 'orders' })
 *
 * @throws {ConfigurationError} an option is invalid; the message names it and the allowed values
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
      // Names of `receiver.source` have no space, so that they never equal a route's.
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
