import { resolve } from 'node:path'
import { ConfigurationError, StoreError } from '../../errors.js'
import { type Clock, systemClock } from '../../util/clock.js'
import { aNumber, aText, checkOptions, methods, oneOf, shown } from '../../util/options.js'
import { withDefaults } from '../../util/with-defaults.js'
import type { FailNext, InboxStore } from '../inbox-store.js'
import { asFailure } from '../rules.js'
import type { CompleteOutcome, TransactionalStore } from '../store.js'
import { findDriver, type SqliteTransaction } from './database/driver.js'
import type { Transaction } from './database/effects.js'
import { openDatabaseInMemory } from './in-memory.js'
import { createHandovers } from './lock-handover.js'
import { journalOver } from './main-thread/journal.js'
import { createTransactor } from './main-thread/transact.js'
import { startWorker } from './main-thread/worker-client.js'
import type { Operation, OutcomeOf, Payloads } from './messages.js'

export type { SqliteParameter, SqliteStatement, SqliteTransaction, SqliteValue } from './database/driver.js'

export interface SqliteStoreOptions {
  /**
   * `full`: acknowledged writes survive a power loss. `normal`: they survive a crash of the process, but a power loss may
   * take the last ones (https://www.sqlite.org/pragma.html#pragma_synchronous). Default `full`.
   */
  synchronous?: 'full' | 'normal'
  /** How long an operation waits for the locks of other processes before it is refused. Default 1,000. */
  busyTimeoutMs?: number
  /** How often expired records are removed in the background; 0: never. Default 60,000. */
  purgeIntervalMs?: number
}

export interface InMemoryOptions {
  /** The store's clock. Default: the system's. */
  clock?: Clock
}

export type SqliteStore = InboxStore & TransactionalStore<SqliteTransaction, 'sync'>

/** A store in memory, with its database for a test's own tables. */
export type InMemorySqliteStore = SqliteStore & { readonly database: SqliteTransaction }

const RULES = { synchronous: oneOf('full', 'normal'), busyTimeoutMs: aNumber, purgeIntervalMs: aNumber }

export const sqliteStoreDefaults: Readonly<Required<SqliteStoreOptions>> = {
  synchronous: 'full',
  busyTimeoutMs: 1000,
  purgeIntervalMs: 60_000,
}

/**
 * A store in one SQLite file, which several processes of one machine may share. The file and its folder are created if
 * they are missing, readable by their owner only. All SQL runs in a worker thread, and writes that arrive together are
 * flushed to the disk together.
 *
 * Effects in tables of the same file are exactly once (`attempt.commit`, `transact`). They run on the caller's thread
 * and block it for their own time and one flush, but never for a lock. The work must be done when it returns.
 *
 * `:memory:` is for tests: everything runs on the caller's thread, by a clock of the caller's choice, and ends with
 * the store. `database` is the database.
 *
 * Needs Node 24, or the package `@photostructure/sqlite` on Node 20 and 22. The file must not be on a network file
 * system (https://www.sqlite.org/wal.html).
 *
 * Returns at once; operations wait until the file is open. `ready()` rejects with a {@link ConfigurationError} when
 * the file belongs to another application or a newer version, with a {@link StoreError} when it cannot be written.
 *
 * @throws ConfigurationError for an option out of range, and where there is no driver.
 * @example
 * const receiver = createReceiver({ store: sqliteStore('./data/hookonce.db') })
 */
export function sqliteStore(path: ':memory:', options?: InMemoryOptions): InMemorySqliteStore
export function sqliteStore(path: string, options?: SqliteStoreOptions): SqliteStore
export function sqliteStore(path: string, options: SqliteStoreOptions & InMemoryOptions = {}): SqliteStore {
  if (path === ':memory:') return storeInMemory(options)
  checkOptions('sqliteStore', options, RULES)
  const resolved = validated(withDefaults(sqliteStoreDefaults, options))
  const settings = { path: absolute(path), ...resolved, handovers: createHandovers(), driver: findDriver() }
  const { call, requestHandover, refusal, close } = startWorker(settings)
  const transactor = createTransactor(settings, requestHandover)
  return storeOver({
    call,
    async transact(transaction) {
      const refused = refusal()
      if (refused !== undefined) throw refused
      return transactor.transact(transaction)
    },
    close: () => close(transactor.close),
  })
}

function storeInMemory(options: InMemoryOptions): InMemorySqliteStore {
  checkOptions("sqliteStore(':memory:')", options, { clock: methods('a clock', ['now', 'monotonic', 'after']) })
  const memory = openDatabaseInMemory(options.clock ?? systemClock)
  return { ...storeOver(memory), database: memory.database }
}

interface Database {
  call<Name extends Operation>(operation: Name, payload: Payloads[Name]): Promise<OutcomeOf<Name>>
  transact(transaction: Transaction): Promise<CompleteOutcome>
  close(): Promise<void>
}

function storeOver({ call, transact, close }: Database): SqliteStore {
  return {
    name: 'sqlite',

    transactions: 'sync',

    // Payloads name their properties, because the caller's objects may have others that cannot be posted.
    claim({ scope, key, fingerprint, label = null, leaseId, leaseMs, lockTtlMs, retentionMs, maxLosses }) {
      return call('claim', { scope, key, fingerprint, label, leaseId, leaseMs, lockTtlMs, retentionMs, maxLosses })
    },

    renew({ scope, key }, leaseId, leaseMs) {
      return call('renew', { scope, key, leaseId, leaseMs })
    },

    complete({ scope, key }, leaseId, result) {
      return call('complete', { scope, key, leaseId, result })
    },

    transact: (id, leaseId, work) => transact({ id, leaseId, work }),

    fail({ scope, key }, leaseId, failure, next: FailNext = { dueInMs: 0 }) {
      const { error, outcome } = asFailure(failure)
      return call('fail', { scope, key, leaseId, error, outcome, next })
    },

    accept({ scope, key, fingerprint, label = null, acceptId, delivery, retentionMs, delayMs, group }) {
      return call('accept', { scope, key, fingerprint, label, acceptId, delivery, retentionMs, delayMs, group })
    },

    claimDue({ scope, limit, leaseId, leaseMs, lockTtlMs, maxLosses, again = false }) {
      return call('claimDue', { scope, limit, leaseId, leaseMs, lockTtlMs, maxLosses, again })
    },

    redrive({ scope, key }, { completed = false, waiting = false } = {}) {
      return call('redrive', { scope, key, completed, waiting })
    },

    backlog(scope) {
      return call('backlog', { scope })
    },

    delete({ scope, key }, { force = false } = {}) {
      return call('delete', { scope, key, force })
    },

    async get({ scope, key }) {
      return (await call('get', { scope, key })) ?? undefined
    },

    async list(query) {
      const { limit, after, accepted = false, label } = query
      const position = accepted || label !== undefined ? /^\d{1,16}-\d{1,15}$/ : /^\d{1,15}$/
      if (!Number.isInteger(limit) || limit < 1 || limit > 1000 || (after !== undefined && !position.test(after))) {
        throw new StoreError("list: limit must be 1 to 1000 and after a page's next", 'refused')
      }
      return call('list', query)
    },

    stats() {
      return call('stats', {})
    },

    usage(scope) {
      return call('usage', { scope })
    },

    purge(limit) {
      return call('purge', { limit })
    },

    journal: journalOver(call),

    async ready() {
      await call('ready', {})
    },

    close,
  }
}

function absolute(path: string): string {
  if (!aText.allows(path)) throw new ConfigurationError(`sqliteStore needs the path of a file, not ${shown(path)}`)
  if (path === '') throw new ConfigurationError("sqliteStore needs the path of a file, or ':memory:' in tests")
  return resolve(path)
}

function validated(options: Required<SqliteStoreOptions>): Required<SqliteStoreOptions> {
  const { busyTimeoutMs, purgeIntervalMs } = options
  for (const [name, value] of Object.entries({ busyTimeoutMs, purgeIntervalMs })) {
    // The range of a timer.
    if (!(value >= 0 && value < 2 ** 31))
      throw new ConfigurationError(`${name} must be 0 to ${2 ** 31 - 1}, not ${value}`)
  }
  return options
}
