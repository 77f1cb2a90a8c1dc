import { resolve } from 'node:path'
import { ConfigurationError, StoreError } from '../../errors.js'
import { aNumber, aText, checkOptions, oneOf, shown } from '../../util/options.js'
import { withDefaults } from '../../util/with-defaults.js'
import type { FailNext, InboxStore } from '../inbox-store.js'
import type { TransactionalStore } from '../store.js'
import { findDriver, type SqliteTransaction } from './database/driver.js'
import { createHandovers } from './lock-handover.js'
import { createTransactor } from './main-thread/transact.js'
import { startWorker } from './main-thread/worker-client.js'

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
 * Needs Node 24, or the package `@photostructure/sqlite` on Node 20 and 22. The file must not be on a network file
 * system (https://www.sqlite.org/wal.html).
 *
 * Returns at once; operations wait until the file is open. `ready()` rejects with a {@link ConfigurationError} when
 * the file belongs to another application or a newer version, with a {@link StoreError} when it cannot be written.
 *
 * @throws ConfigurationError for an option out of range, for `:memory:`, and where there is no driver.
 * @example
 * const receiver = createReceiver({ store: sqliteStore('./data/hookonce.db') })
 */
export function sqliteStore(
  path: string,
  options: SqliteStoreOptions = {},
): InboxStore & TransactionalStore<SqliteTransaction, 'sync'> {
  checkOptions('sqliteStore', options, RULES)
  const resolved = validated(withDefaults(sqliteStoreDefaults, options))
  const settings = { path: absolute(path), ...resolved, handovers: createHandovers(), driver: findDriver() }
  const { call, requestHandover, refusal, close } = startWorker(settings)
  const transactor = createTransactor(settings, requestHandover)

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

    async transact(id, leaseId, work) {
      const refused = refusal()
      if (refused !== undefined) throw refused
      return transactor.transact({ id, leaseId, work })
    },

    fail({ scope, key }, leaseId, error, next: FailNext = { dueInMs: 0 }) {
      return call('fail', { scope, key, leaseId, error, next })
    },

    accept({ scope, key, fingerprint, label = null, acceptId, delivery, retentionMs, delayMs, group }) {
      return call('accept', { scope, key, fingerprint, label, acceptId, delivery, retentionMs, delayMs, group })
    },

    claimDue({ scope, limit, leaseId, leaseMs, lockTtlMs, maxLosses, again = false }) {
      return call('claimDue', { scope, limit, leaseId, leaseMs, lockTtlMs, maxLosses, again })
    },

    redrive({ scope, key }, { completed = false } = {}) {
      return call('redrive', { scope, key, completed })
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

    async ready() {
      await call('ready', {})
    },

    close: () => close(transactor.close),
  }
}

function absolute(path: string): string {
  if (!aText.allows(path)) throw new ConfigurationError(`sqliteStore needs the path of a file, not ${shown(path)}`)
  if (path === ':memory:' || path === '') {
    throw new ConfigurationError('sqliteStore needs the path of a file; for records in memory use memoryStore')
  }
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
