import { StoreError } from '../../errors.js'
import type { Clock } from '../../util/clock.js'
import type { CompleteOutcome } from '../store.js'
import { findDriver, loadDriver, type SqliteTransaction } from './database/driver.js'
import { createEffects, type Transaction, WorkFailure } from './database/effects.js'
import { toFailure, toStoreError } from './database/errors.js'
import { createJournal } from './database/journal.js'
import { createListAccepted } from './database/list-accepted.js'
import { openInMemory } from './database/open.js'
import { createOperations } from './database/record-operations.js'
import { createScans, type Scan } from './database/scans.js'
import { createTransactions } from './database/transaction.js'
import { createUsage } from './database/usage.js'
import type { Operation, OutcomeOf, Payloads } from './messages.js'

/** A database in memory, which lives on the caller's thread and goes by the given clock. @throws ConfigurationError */
export function openDatabaseInMemory(clock: Clock) {
  const { db, run, transact } = open(clock)
  let isClosed = false

  function assertOpen(): void {
    if (isClosed) throw new StoreError('it is closed', 'refused')
  }

  return {
    database: db as SqliteTransaction,

    async call<Name extends Operation>(operation: Name, payload: Payloads[Name]): Promise<OutcomeOf<Name>> {
      try {
        assertOpen()
        // What is asked within the work of a transaction is done after it.
        await undefined
        return run(operation, payload)
      } catch (error) {
        throw problem(error)
      }
    },

    async transact(transaction: Transaction): Promise<CompleteOutcome> {
      try {
        assertOpen()
        return transact(transaction)
      } catch (error) {
        throw error instanceof WorkFailure ? error.reason : problem(error)
      }
    },

    async close(): Promise<void> {
      if (isClosed) return
      isClosed = true
      await undefined
      db.close()
    },
  }
}

const problem = (error: unknown): StoreError => toStoreError(toFailure(error), ':memory:')

function open(clock: Clock) {
  const file = openInMemory(loadDriver(findDriver()))
  const { db } = file
  const now = () => Math.floor(clock.now())
  const transactions = createTransactions(file, 0)
  const operations = createOperations(db)
  const steps = { ...operations, ...createJournal(db) }
  const effects = createEffects({ db, transactions, operations, now })
  const scans = createScans(db, transactions, now)
  const listAccepted = createListAccepted(db, transactions, now)
  const usage = createUsage(db, transactions, now)
  let isWorking = false

  const scanOf: { [Name in Operation]?: (payload: Payloads[Name]) => Scan<unknown> } = {
    list: query => (query.accepted || query.label !== undefined ? listAccepted(query) : scans.list(query)),
    stats: () => scans.stats(),
    usage: ({ scope }) => usage(scope),
    purge: ({ limit }) => scans.purge(limit),
  }

  function write<T>(work: () => T): T {
    if (isWorking) throw new StoreError('a transaction within the work of another', 'refused')
    isWorking = true
    try {
      transactions.tryBegin()
      operations.begin()
      return work()
    } finally {
      isWorking = false
    }
  }

  return {
    db,

    run<Name extends Operation>(operation: Name, payload: Payloads[Name]): OutcomeOf<Name> {
      const scan = scanOf[operation]
      if (scan !== undefined) return lastOf(scan(payload)) as OutcomeOf<Name>
      const step = steps[operation as keyof typeof steps] as (payload: unknown, now: number) => OutcomeOf<Name>
      return write(() => transactions.finish(() => step(payload, now())))
    },

    transact: (transaction: Transaction): CompleteOutcome => write(() => effects.finish(transaction)),
  }
}

function lastOf<Result>(scan: Scan<Result>): Result {
  for (;;) {
    const { done, value } = scan.next()
    if (done) return value
  }
}
