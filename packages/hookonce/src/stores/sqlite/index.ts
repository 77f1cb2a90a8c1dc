import { resolve } from 'node:path'
import { ConfigurationError, StoreError } from '../../errors.js'
import { aNumber, aText, checkOptions, oneOf, shown } from '../../util/options.js'
import { withDefaults } from '../../util/with-defaults.js'
import type { AcceptOutcome, Backlog, DueClaim, FailNext, InboxStore, RedriveOutcome } from '../inbox-store.js'
import type {
  ClaimOutcome,
  CompleteOutcome,
  RecordPage,
  StoredRecord,
  StoreStats,
  TransactionalStore,
} from '../store.js'
import type { SqliteTransaction } from './database/driver.js'
import { createTurns } from './lock-handover.js'
import { createTransacting } from './main-thread/transact.js'
import { type Decode, startWorker } from './main-thread/worker-client.js'
import type { AcceptAnswer, ClaimAnswer, DueAnswer, RecordAnswer } from './messages.js'

export type { SqliteParameter, SqliteStatement, SqliteTransaction, SqliteValue } from './database/driver.js'

export interface SqliteStoreOptions {
  /**
   * `full`: what was acknowledged survives a loss of power. `normal`: it survives a crash of the process, and a loss
   * of power may take the last moments (https://www.sqlite.org/pragma.html#pragma_synchronous). Default `full`.
   */
  synchronous?: 'full' | 'normal'
  /** How long an operation waits for other processes that use the file before it is refused. Default 1,000. */
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
 * A store in one SQLite file, which several processes of one machine may share. The file and its folder are made if
 * they are missing, readable by their owner only. All SQL runs in a worker thread, and the writes that arrive
 * together are flushed to the disk together.
 *
 * Effects in tables of the same file are exactly once (`attempt.commit`, `transact`). They run on the caller's thread
 * and block it for their own time and one flush; a lock is never waited for there. Work must be done when it returns.
 *
 * Needs Node 24, or the package `@photostructure/sqlite` on Node 20 and 22. The file must not be on a network file
 * system (https://www.sqlite.org/wal.html).
 *
 * Returns at once; operations wait until the file is open. `ready()` rejects with a {@link ConfigurationError} when
 * the file is another application's or of a newer version, with a {@link StoreError} when it cannot be written.
 *
 * @throws ConfigurationError for an option out of range, and for `:memory:`.
 * @example
 * const receiver = createReceiver({ store: sqliteStore('./data/hookonce.db') })
 */
export function sqliteStore(
  path: string,
  options: SqliteStoreOptions = {},
): InboxStore & TransactionalStore<SqliteTransaction, 'sync'> {
  checkOptions('sqliteStore', options, RULES)
  const given = validated(withDefaults(sqliteStoreDefaults, options))
  const settings = { path: absolute(path), ...given, turns: createTurns() }
  const { ask, askForTurn, refusal, close } = startWorker(settings)
  const transacting = createTransacting(settings, askForTurn)

  return {
    name: 'sqlite',

    transactions: 'sync',

    claim({ scope, key, fingerprint, label = null, leaseId, leaseMs, lockTtlMs, retentionMs, maxLosses }) {
      return ask(
        [0, 'claim', scope, key, fingerprint, leaseId, leaseMs, lockTtlMs, retentionMs, maxLosses, label],
        claimOutcome,
      )
    },

    renew({ scope, key }, leaseId, leaseMs) {
      return ask([0, 'renew', scope, key, leaseId, leaseMs], word<'renewed' | 'lost'>)
    },

    complete({ scope, key }, leaseId, result) {
      return ask([0, 'complete', scope, key, leaseId, result.byteLength], completeOutcome, result)
    },

    async transact(id, leaseId, work) {
      const refused = refusal()
      if (refused !== undefined) throw refused
      return transacting.transact({ id, leaseId, work })
    },

    fail({ scope, key }, leaseId, error, next: FailNext = { dueInMs: 0 }) {
      const [dueInMs, notBegun] = next === 'dead' ? [null, false] : [next.dueInMs, next.notBegun === true]
      return ask([0, 'fail', scope, key, leaseId, error, dueInMs, notBegun], word<'failed' | 'fenced'>)
    },

    accept({ scope, key, acceptId, delivery, fingerprint, label = null, retentionMs, delayMs, group }) {
      return ask(
        [0, 'accept', scope, key, acceptId, delivery.byteLength, fingerprint, retentionMs, delayMs, group, label],
        acceptOutcome,
        delivery,
      )
    },

    claimDue({ scope, limit, leaseId, leaseMs, lockTtlMs, maxLosses, again = false }) {
      return ask([0, 'claimDue', scope, limit, leaseId, leaseMs, lockTtlMs, maxLosses, again], dueClaims)
    },

    redrive({ scope, key }, { completed = false } = {}) {
      return ask([0, 'redrive', scope, key, completed], word<RedriveOutcome>)
    },

    backlog(scope) {
      return ask([0, 'backlog', scope], word<Backlog>)
    },

    delete({ scope, key }, { force = false } = {}) {
      return ask([0, 'delete', scope, key, force], word<'deleted' | 'absent' | 'running'>)
    },

    get({ scope, key }) {
      return ask([0, 'get', scope, key], storedRecord)
    },

    async list(query) {
      const { limit, after, accepted = false, label } = query
      const position = accepted || label !== undefined ? /^\d{1,16}-\d{1,15}$/ : /^\d{1,15}$/
      if (!Number.isInteger(limit) || limit < 1 || limit > 1000 || (after !== undefined && !position.test(after))) {
        throw new StoreError("list: limit must be 1 to 1000 and after a page's next", 'refused')
      }
      return ask([0, 'list', query], word<RecordPage>)
    },

    stats() {
      return ask([0, 'stats'], word<StoreStats>)
    },

    usage(scope) {
      return ask([0, 'usage', scope], word<StoreStats>)
    },

    purge(limit) {
      return ask([0, 'purge', limit], word<number>)
    },

    ready() {
      return ask([0, 'ready'], () => undefined)
    },

    close: () => close(transacting.close),
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

/** The answer is the outcome itself. */
function word<T>(answer: readonly unknown[]): T {
  return answer[1] as T
}

// By index: taking a tuple apart goes through its iterator, twice for each delivery.
const claimOutcome: Decode<ClaimOutcome> = (answer, take) => {
  switch (answer[1] as ClaimAnswer<number>[0]) {
    case 'acquired':
      return {
        ...{ status: 'acquired', attempt: answer[2] as number, fencingToken: String(answer[3]) },
        tookOver: answer[4] as boolean,
      }
    case 'running':
      return { status: 'running', leaseRemainingMs: answer[2] as number }
    case 'completed':
      return { status: 'completed', result: take(answer[2] as number), completedAt: answer[3] as number }
    case 'mismatch':
      return { status: 'mismatch' }
    case 'exhausted':
      return { status: 'exhausted', losses: answer[2] as number }
  }
}

const completeOutcome: Decode<CompleteOutcome> = answer =>
  answer[1] === 'fenced' ? { status: 'fenced' } : { status: 'completed', completedAt: answer[2] as number }

const storedRecord: Decode<StoredRecord | undefined> = ([, ...rest], take) => {
  const [record, length, deliveryLength] = rest as RecordAnswer<number>
  if (record === undefined) return undefined
  const stored = { ...record, result: length == null ? null : take(length) }
  return deliveryLength == null ? stored : { ...stored, delivery: take(deliveryLength) }
}

const acceptOutcome: Decode<AcceptOutcome> = ([, ...answer]) => {
  const [status, acceptedAt, state] = answer as AcceptAnswer
  switch (status) {
    case 'accepted':
      return { status, acceptedAt: acceptedAt! }
    case 'known':
      return { status, state: state!, acceptedAt: acceptedAt! }
    case 'mismatch':
      return { status }
  }
}

const dueClaims: Decode<DueClaim[]> = (answer, take) => {
  const claims: DueClaim[] = []
  for (let at = 1; at < answer.length; at += 2) {
    claims.push({ ...(answer[at] as DueAnswer), delivery: take(answer[at + 1] as number) })
  }
  return claims
}
