import type { CompleteOutcome } from '../../store.js'
import type { Driver } from '../database/driver.js'
import { createEffects, type Transaction } from '../database/effects.js'
import { openDatabase } from '../database/open.js'
import { createOperations } from '../database/record-operations.js'
import { createTransactions } from '../database/transaction.js'
import type { ConnectionSettings } from '../messages.js'
import { sql } from '../sql.generated.js'

export type Effects = ReturnType<typeof openEffects>

/**
 * The connection of the caller's thread, for effects and their record in one transaction. It never waits for a lock,
 * and leaves checkpoints to the worker.
 */
export function openEffects(driver: Driver, settings: ConnectionSettings) {
  const file = openDatabase(driver, { ...settings, busyTimeoutMs: 0 })
  const { db, isInPlace } = file
  db.exec('PRAGMA wal_autocheckpoint = 0; PRAGMA temp_store = MEMORY')
  const transactions = createTransactions(file, 0)
  const clock = db.prepare(sql.now)
  const now = () => (clock.get() as { now: number }).now
  const effects = createEffects({ db, transactions, operations: createOperations(db), now })
  setWritable(false)

  /** Off between transactions: `tx` that is kept after its work must not write without a result. */
  function setWritable(writable: boolean): void {
    db.exec(`PRAGMA query_only = ${writable ? 'OFF' : 'ON'}`)
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
        return transactions.tryBegin() ? effects.finish(transaction) : undefined
      } finally {
        setWritable(false)
      }
    },

    close(): void {
      db.close()
    },
  }
}
