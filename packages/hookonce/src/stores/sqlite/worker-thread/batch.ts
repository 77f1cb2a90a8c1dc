import { watchClock } from '../database/clock-steps.js'
import type { Driver } from '../database/driver.js'
import { isBusy, isOfOneStatement, toFailure } from '../database/errors.js'
import { createJournal } from '../database/journal.js'
import { createListAccepted } from '../database/list-accepted.js'
import { openDatabase } from '../database/open.js'
import { createOperations } from '../database/record-operations.js'
import { createScans } from '../database/scans.js'
import { createTransactions } from '../database/transaction.js'
import { createUsage } from '../database/usage.js'
import type { Answer, Operation, OutcomeOf, Payloads, Request, WorkerSettings } from '../messages.js'
import { createWalLimit, truncateWal } from './checkpoint.js'

/**
 * A checkpoint copies each page once, however often it was written since the last one. At 8,000 pages instead of
 * SQLite's 1,000, a third as many bytes are written, and a checkpoint takes 30 ms at a million records.
 */
const PAGES_BETWEEN_CHECKPOINTS = 8000

type Operations = {
  [Name in Operation]?: (payload: Payloads[Name], now: number) => OutcomeOf<Name> | undefined
}

/** Not run in a batch: scans, and requests to the worker itself. */
type Apart = 'list' | 'stats' | 'usage' | 'purge' | 'handover' | 'close'

export type Session = ReturnType<typeof openSession>

/** The worker's connection. `whileWaiting`: see {@link createTransactions}. */
export function openSession(driver: Driver, settings: WorkerSettings, whileWaiting: () => void) {
  const file = openDatabase(driver, settings)
  const { db, isInPlace } = file
  // The cache keeps SQLite's 2 MB: a COMMIT after a page split walks through all of it, which at 32 MB is a sixth of the
  // time of a claim and its completion.
  db.exec(`PRAGMA wal_autocheckpoint = ${PAGES_BETWEEN_CHECKPOINTS}`)
  const transactions = createTransactions(file, settings.busyTimeoutMs, whileWaiting)
  const limitWal = createWalLimit(db, settings.path)
  const operations = createOperations(db)
  const journal = createJournal(db)
  const scans = createScans(db, transactions, Date.now)
  const clock = watchClock(db)

  const writes: Required<Omit<Operations, Apart>> = { ...operations, ...journal }
  /** Run without the write lock; `undefined`: the request needs it. */
  const { get, backlog, peekClaim: claim, peekAccept: accept, peekClaimDue: claimDue } = operations
  const { readEntries, findEntry } = journal
  const reads: Operations = { get, backlog, claim, accept, claimDue, readEntries, findEntry }

  function run<Name extends Operation>(table: Operations, { operation, payload }: Request<Name>, now: number) {
    return table[operation]?.(payload, now)
  }

  /**
   * Adds the outcomes that `table` has to `answers` and returns the other requests. An operation that fails rolls back
   * its own statement only, unless the transaction is lost.
   */
  function runEach(requests: readonly Request[], table: Operations, answers: Answer[]): Request[] {
    const now = Date.now()
    return requests.filter(request => {
      const { id } = request
      try {
        const outcome = run(table, request, now)
        if (outcome === undefined) return true
        answers.push({ id, outcome })
      } catch (error) {
        if (!isOfOneStatement(error) || !db.isTransaction) throw error
        answers.push(failed(id, error))
      }
      return false
    })
  }

  /** Answers that hold once their transaction is committed. */
  function runWrites(requests: readonly Request[]): Answer[] {
    const answers: Answer[] = []
    operations.begin()
    scans.purgeBeside(() => runEach(requests, writes, answers))
    return answers
  }

  /** Answers what needs no write, without the write lock; returns the other requests. */
  function answerReads(requests: readonly Request[], answers: Answer[]): readonly Request[] {
    if (!requests.some(({ operation }) => operation in reads)) return requests
    try {
      const [answered, rest] = transactions.read(() => {
        const answered: Answer[] = []
        return [answered, runEach(requests, reads, answered)]
      })
      answers.push(...answered)
      return rest
    } catch (error) {
      answers.push(...requests.map(({ id }) => failed(id, error)))
      return []
    }
  }

  function answerWrites(requests: readonly Request[], answers: Answer[], since: number): void {
    if (requests.length === 0) return
    try {
      answers.push(...transactions.write(() => runWrites(requests), { since }))
    } catch (error) {
      answers.push(...requests.map(({ id }) => failed(id, error)))
      return
    }
    limitWal()
  }

  /** Tried again with the next batch where it fails. */
  function correctDueTimes(): void {
    try {
      if (!transactions.tryBegin()) return
      transactions.finish(() => operations.correctDueTimes(Date.now()))
      clock.corrected()
    } catch {
      // The batch that follows fails of the same and reports it.
    }
  }

  return {
    scans,

    listAccepted: createListAccepted(db, transactions, Date.now),

    usage: createUsage(db, transactions, Date.now),

    isInPlace,

    answerReads,

    /**
     * Runs the requests in one transaction and adds their answers. If that fails, requests that need no write are
     * answered from a snapshot. The others fail, or wait for another process's write lock; `since` is when their wait
     * began.
     */
    answer(requests: readonly Request[], answers: Answer[], since: number): void {
      if (requests.length === 0) return
      if (clock.hasSteppedBack()) correctDueTimes()
      try {
        answers.push(...transactions.tryWrite(() => runWrites(requests)))
      } catch (error) {
        const rest = answerReads(requests, answers)
        if (isBusy(error)) answerWrites(rest, answers, since)
        else answers.push(...rest.map(({ id }) => failed(id, error)))
        return
      }
      limitWal()
    },

    /**
     * SQLite removes the WAL with the last connection. @photostructure/sqlite keeps a closed connection open until its
     * statements are garbage-collected, that of effects too, so the WAL is truncated first.
     */
    close(): void {
      if (isInPlace()) truncateWal(db)
      db.close()
    },
  }
}

export function failed(id: number, error: unknown): Answer {
  return { id, failure: toFailure(error) }
}
