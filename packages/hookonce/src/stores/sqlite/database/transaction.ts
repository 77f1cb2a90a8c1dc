import { StoreError } from '../../../errors.js'
import type { Database } from './driver.js'
import { describe, isBusy, isConstraint, mayHaveCommitted } from './errors.js'
import { misplaced } from './file.js'

export type Transactions = ReturnType<typeof createTransactions>

/**
 * Transactions of one connection, which wait a bounded time for the locks of other processes. `whileWaiting` is called
 * between two tries for the write lock, with no transaction open.
 */
export function createTransactions(
  { db, isInPlace }: { db: Database; isInPlace(): boolean },
  busyTimeoutMs: number,
  whileWaiting?: () => void,
) {
  const begin = db.prepare('BEGIN')
  const beginImmediate = db.prepare('BEGIN IMMEDIATE')
  const commit = db.prepare('COMMIT')
  const rollback = db.prepare('ROLLBACK')

  function undo(): void {
    // SQLite has already rolled back by itself after some errors (full disk, I/O error).
    if (db.isTransaction) rollback.run()
  }

  function finish<T>(work: () => T): T {
    let result: T
    try {
      result = work()
      if (!isInPlace()) throw misplaced()
    } catch (error) {
      undo()
      throw error
    }
    try {
      commit.run()
    } catch (error) {
      undo()
      if (isConstraint(error)) throw error
      throw new StoreError(describe(error), mayHaveCommitted(error) ? 'unknown' : 'refused')
    }
    return result
  }

  return {
    /** Runs `work` on one snapshot, without the write lock. */
    read<T>(work: () => T): T {
      return retryWhileBusy(busyTimeoutMs, () => {
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
     * Runs `work` under the write lock and commits, or rolls back what throws. `since` is when the wait for the lock
     * began, on the monotonic clock.
     * @throws StoreError `unknown` if a COMMIT that failed may have taken effect, otherwise `refused`.
     */
    write<T>(work: () => T, { timeoutMs = busyTimeoutMs, since }: { timeoutMs?: number; since?: number } = {}): T {
      retryWhileBusy(timeoutMs, () => beginImmediate.run(), { whileWaiting, since })
      return finish(work)
    },

    /**
     * Runs `work` and commits. Its first write takes the write lock, and throws if the lock is not free or another
     * connection has written since its first read.
     */
    tryWrite<T>(work: () => T): T {
      begin.run()
      return finish(work)
    },

    /** Takes the write lock for {@link finish} if it is free. Returns whether it was. */
    tryBegin(): boolean {
      undo()
      try {
        beginImmediate.run()
        return true
      } catch (error) {
        if (isBusy(error)) return false
        throw error
      }
    },

    /** Runs the work of a transaction that `tryBegin` has begun, and commits. */
    finish,
  }
}

const sleeper = new Int32Array(new SharedArrayBuffer(4))

interface RetryOptions {
  whileWaiting?: (() => void) | undefined
  since?: number | undefined
}

/**
 * Tries again while another process has the lock. SQLite's own busy handler sleeps up to 100 ms between tries, so that a
 * process that commits without a pause starves the others; short sleeps with jitter find its gaps.
 */
export function retryWhileBusy<T>(timeoutMs: number, step: () => T, { whileWaiting, since }: RetryOptions = {}): T {
  let deadline: number | undefined
  for (;;) {
    try {
      return step()
    } catch (error) {
      if (!isBusy(error)) throw error
      deadline ??= (since ?? performance.now()) + timeoutMs
      if (performance.now() >= deadline) throw lockedFor(timeoutMs)
    }
    whileWaiting?.()
    sleepBriefly()
  }
}

export function lockedFor(timeoutMs: number): StoreError {
  return new StoreError(`locked by another process for ${timeoutMs} ms`, 'refused')
}

export function sleepBriefly(): void {
  Atomics.wait(sleeper, 0, 0, 0.1 + Math.random())
}
