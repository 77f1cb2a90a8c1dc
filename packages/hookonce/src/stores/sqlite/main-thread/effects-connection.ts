import type { CompleteOutcome, RecordId } from '../../store.js'
import type { Driver, SqliteTransaction } from '../database/driver.js'
import { isConstraint } from '../database/errors.js'
import { openDatabase } from '../database/open.js'
import { createOperations } from '../database/record-operations.js'
import { createTransactions } from '../database/transaction.js'
import type { ConnectionSettings } from '../messages.js'
import { sql } from '../sql.generated.js'

export type Effects = ReturnType<typeof openEffects>

export interface Transaction {
  id: RecordId
  leaseId: string
  work(tx: SqliteTransaction): Uint8Array
}

/** Thrown to roll back. */
const FENCED: CompleteOutcome = { status: 'fenced' }

/** Carries what the work threw, or what it did wrong. */
export class WorkFailure {
  constructor(readonly reason: unknown) {}
}

/**
 * The connection of the caller's thread, for effects and their record in one transaction. It never waits for a lock,
 * and leaves checkpoints to the worker.
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

  /** Off between transactions: `tx` that is kept after its work must not write without a result. */
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

  /** Runs between BEGIN and COMMIT. */
  function run(transaction: Transaction): CompleteOutcome {
    const { id, leaseId } = transaction
    const decided = operations.peekComplete(id, leaseId, now())
    if (decided !== undefined) return decided
    const result = resultOf(transaction)
    const outcome = operations.complete({ ...id, leaseId, result }, now())
    // The record expired meanwhile, or the work itself removed it.
    if (outcome.status === 'fenced') throw FENCED
    return outcome
  }

  function outcomeOf(transaction: Transaction): CompleteOutcome {
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
     * @throws WorkFailure, or an error of the driver.
     */
    transact(transaction: Transaction): CompleteOutcome | undefined {
      setWritable(true)
      try {
        return transactions.tryBegin() ? outcomeOf(transaction) : undefined
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
  // Its later writes fail, and their rejections would be unhandled.
  ;(result as PromiseLike<unknown>).then(undefined, () => {})
  return new TypeError('the work of a sqlite transaction must not wait: it gave a promise instead of a Uint8Array')
}
