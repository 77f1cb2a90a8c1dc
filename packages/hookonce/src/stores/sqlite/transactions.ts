import { StoreError } from '../../errors.js'
import type { Database } from './driver.js'
import { describe, isBusy, mayHaveCommitted } from './failures.js'

export type Transactions = ReturnType<typeof createTransactions>

/**
 * Runs work in transactions of one connection, and waits a bounded time for other processes. `whileWaiting` is called
 * between two tries to get the write lock, with no transaction open.
 */
export function createTransactions(db: Database, busyTimeoutMs: number, whileWaiting: () => void) {
  const begin = db.prepare('BEGIN')
  const beginImmediate = db.prepare('BEGIN IMMEDIATE')
  const commit = db.prepare('COMMIT')
  const rollback = db.prepare('ROLLBACK')

  function undo(): void {
    // SQLite has already rolled back by itself after some errors (full disk, I/O error).
    if (db.isTransaction) rollback.run()
  }

  return {
    /** Runs `work` on one snapshot, without the write lock. */
    read<T>(work: () => T): T {
      return patiently(busyTimeoutMs, () => {
        try {
          begin.run()
          const result = work()
          commit.run()
          return result
        } catch (error) {
          undo()
          throw error
        }
      })
    },

    /**
     * Runs `work` under the write lock and commits; what it throws rolls back.
     * @throws StoreError `unknown` if the COMMIT failed in a way that leaves its fate open, otherwise `refused`.
     */
    write<T>(work: () => T, timeoutMs = busyTimeoutMs): T {
      patiently(timeoutMs, () => beginImmediate.run(), whileWaiting)
      let result: T
      try {
        result = work()
      } catch (error) {
        undo()
        throw error
      }
      try {
        commit.run()
      } catch (error) {
        undo()
        throw new StoreError(describe(error), mayHaveCommitted(error) ? 'unknown' : 'refused')
      }
      return result
    },
  }
}

const sleeper = new Int32Array(new SharedArrayBuffer(4))

/**
 * Tries again while another process holds the lock. SQLite's own busy handler sleeps up to 100 ms between two tries,
 * so that a process that commits without a pause starves the others; short naps with jitter find its gaps.
 */
export function patiently<T>(timeoutMs: number, step: () => T, whileWaiting?: () => void): T {
  let deadline: number | undefined
  for (;;) {
    try {
      return step()
    } catch (error) {
      if (!isBusy(error)) throw error
      deadline ??= performance.now() + timeoutMs
      if (performance.now() >= deadline) {
        throw new StoreError(`locked by another process for ${timeoutMs} ms (${describe(error)})`, 'refused')
      }
    }
    whileWaiting?.()
    nap()
  }
}

/** Long enough to let another process finish, short enough to be there when it has. */
export function nap(): void {
  Atomics.wait(sleeper, 0, 0, 0.1 + Math.random())
}
