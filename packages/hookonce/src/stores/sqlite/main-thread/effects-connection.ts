import type { CompleteOutcome, RecordId } from '../../store.js'
import type { Driver, SqliteTransaction } from '../database/driver.js'
import { isConstraint } from '../database/errors.js'
import { openDatabase } from '../database/open.js'
import { type Completion, createOperations } from '../database/record-operations.js'
import { createTransactions } from '../database/transaction.js'
import type { ConnectionSettings } from '../messages.js'
import { sql } from '../sql.generated.js'

export type Effects = ReturnType<typeof openEffects>

/** What one transaction is asked for. */
export interface Transaction {
  id: RecordId
  leaseId: string
  work(tx: SqliteTransaction): Uint8Array
}

/** Thrown to roll back. */
const FENCED: Completion = ['fenced']

/** What the work threw, or did wrong. */
export class WorkFailure {
  constructor(readonly reason: unknown) {}
}

/**
 * The connection of the caller's thread, for effects and their record in one transaction. It waits for nothing but
 * its own flush: not for a lock, and the log is copied into the file by the worker.
 */
export function openEffects(driver: Driver, settings: ConnectionSettings) {
  const file = openDatabase(driver, { ...settings, busyTimeoutMs: 0 })
  const { db, isInPlace } = file
  db.exec('PRAGMA wal_autocheckpoint = 0; PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = ON')
  db.exec(sql.guardTable)
  const transactions = createTransactions(file, 0)
  const operations = createOperations(db)
  const layGuard = db.prepare(sql.layGuard)
  const liftGuard = db.prepare(sql.liftGuard)
  const clock = db.prepare(sql.now)
  setWritable(false)

  const now = () => (clock.get() as { now: number }).now

  /** Who keeps `tx` beyond its work must not write: there is no result that it would stand or fall with. */
  function setWritable(writable: boolean): void {
    db.exec(`PRAGMA query_only = ${writable ? 'OFF' : 'ON'}`)
  }

  function resultOf({ work }: Transaction): Uint8Array {
    layGuard.run()
    try {
      const result: unknown = work(db)
      if (!(result instanceof Uint8Array)) throw refusalOf(result)
      if (!liftGuard.run().changes) throw new TypeError('the work of a transaction must not end it: it ran a ROLLBACK')
      return result
    } catch (error) {
      throw new WorkFailure(error)
    }
  }

  /** What is between BEGIN and COMMIT. */
  function run(transaction: Transaction): Completion {
    const { id, leaseId } = transaction
    const standing = operations.peekCompletion(id, leaseId, now())
    if (standing !== undefined) return standing
    const result = resultOf(transaction)
    const completion = operations.complete([0, 'complete', id.scope, id.key, leaseId, result], now())
    // The record expired meanwhile, or the work itself removed it.
    if (completion[0] === 'fenced') throw FENCED
    return completion
  }

  function completionOf(transaction: Transaction): Completion {
    try {
      return transactions.finish(() => run(transaction))
    } catch (error) {
      if (error === FENCED) return FENCED
      if (isConstraint(error)) throw new WorkFailure(error)
      throw error
    }
  }

  return {
    isInPlace,

    /**
     * Follows the contract; `undefined`: another process has the write lock, and nothing was done.
     * @throws WorkFailure, or what the driver throws.
     */
    transact(transaction: Transaction): CompleteOutcome | undefined {
      setWritable(true)
      try {
        if (!transactions.tryBegin()) return undefined
        const [status, completedAt] = completionOf(transaction)
        return status === 'fenced' ? { status } : { status, completedAt: completedAt! }
      } finally {
        setWritable(false)
      }
    },

    close(): void {
      db.close()
    },
  }
}

function refusalOf(result: unknown): TypeError {
  if (typeof (result as PromiseLike<unknown> | null)?.then !== 'function') {
    return new TypeError(`the work of a transaction must give its result as a Uint8Array, not ${typeof result}`)
  }
  // What it does from now on fails, and nobody else listens.
  ;(result as PromiseLike<unknown>).then(undefined, () => {})
  return new TypeError('the work of a sqlite transaction must not wait: it gave a promise instead of a Uint8Array')
}
