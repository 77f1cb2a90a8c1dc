import type { CompleteOutcome, RecordId } from '../../store.js'
import { sql } from '../sql.generated.js'
import type { Database, SqliteTransaction } from './driver.js'
import { isConstraint } from './errors.js'
import type { Operations } from './record-operations.js'
import type { Transactions } from './transaction.js'

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

export interface EffectsConnection {
  db: Database
  transactions: Transactions
  operations: Operations
  now(): number
}

/** Effects and their record in one transaction, which the caller has begun. */
export function createEffects({ db, transactions, operations, now }: EffectsConnection) {
  db.exec('PRAGMA foreign_keys = ON')
  db.exec(sql.guardTable)
  const layGuard = db.prepare(sql.layGuard)
  const liftGuard = db.prepare(sql.liftGuard)

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

  return {
    /** Ends the transaction that was begun. @throws WorkFailure, or an error of the driver. */
    finish(transaction: Transaction): CompleteOutcome {
      try {
        return transactions.finish(() => run(transaction))
      } catch (error) {
        if (error === FENCED) return FENCED
        if (isConstraint(error)) throw new WorkFailure(error)
        throw error
      }
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
