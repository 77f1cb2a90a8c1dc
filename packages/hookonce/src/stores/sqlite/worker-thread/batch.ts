import { watchClock } from '../database/clock-steps.js'
import type { Driver } from '../database/driver.js'
import { isBusy, isOfOneStatement } from '../database/errors.js'
import { openDatabase } from '../database/open.js'
import { createOperations, type Outcome } from '../database/record-operations.js'
import { createTransactions } from '../database/transaction.js'
import type { Request, WorkerSettings } from '../messages.js'
import { createLogKeeper, emptyLog } from './checkpoint.js'
import { createListing } from './list-accepted.js'
import type { Reply } from './reply.js'
import { createScans } from './scans.js'
import { createUsage } from './usage.js'

/**
 * A checkpoint copies each page once, however often it was written since the last one: more pages in between mean fewer
 * copies, and a longer pause (30 ms at a million records). A claim and its completion then have 27 KB written with 1,000
 * pages in between, 13 KB with 4,000 and 9 KB with 8,000.
 */
const PAGES_BETWEEN_CHECKPOINTS = 8000

export type Session = ReturnType<typeof openSession>

/** One open connection and what is done with it. `whileWaiting`: see {@link createTransactions}. */
export function openSession(driver: Driver, settings: WorkerSettings, whileWaiting: () => void) {
  const file = openDatabase(driver, settings)
  const { db, isInPlace } = file
  // The cache stays at SQLite's 2 MB: a COMMIT after a page was split walks through all of it, so that one of 32 MB costs 4
  // of 23 µs a claim with its completion, and gains nothing at a million records.
  db.exec(`PRAGMA wal_autocheckpoint = ${PAGES_BETWEEN_CHECKPOINTS}`)
  const transactions = createTransactions(file, settings.busyTimeoutMs, whileWaiting)
  const keepLogShort = createLogKeeper(db, settings.path)
  const operations = createOperations(db)
  const scans = createScans(db, transactions)
  const clock = watchClock(db)

  /** The answer where it needs no write. */
  function read(request: Request, now: number): Outcome | undefined {
    switch (request[1]) {
      case 'claim':
        return operations.peek(request, now)
      case 'accept':
        return operations.peekAcceptance(request, now)
      case 'claimDue':
        return operations.peekDue(request, now)
      case 'get':
        return operations.get(request, now)
      case 'backlog':
        return operations.backlog(request, now)
      default:
        return undefined
    }
  }

  function write(request: Request, now: number): Outcome {
    switch (request[1]) {
      case 'claim':
        return operations.claim(request, now)
      case 'renew':
        return operations.renew(request, now)
      case 'complete':
        return operations.complete(request, now)
      case 'fail':
        return operations.fail(request, now)
      case 'delete':
        return operations.delete(request, now)
      case 'accept':
        return operations.accept(request, now)
      case 'claimDue':
        return operations.claimDue(request, now)
      case 'redrive':
        return operations.redrive(request, now)
      case 'get':
        return operations.get(request, now)
      case 'backlog':
        return operations.backlog(request, now)
      default:
        return operations.check(now)
    }
  }

  /**
   * Answers what `operation` answers and gives back the rest. One that fails takes nothing with it but its own
   * statement, unless the transaction is lost.
   */
  function each(requests: readonly Request[], reply: Reply, operation: typeof read): Request[] {
    const now = Date.now()
    return requests.filter(request => {
      try {
        const outcome = operation(request, now)
        if (outcome === undefined) return true
        reply.answer(request[0], outcome)
      } catch (error) {
        if (!isOfOneStatement(error) || !db.isTransaction) throw error
        reply.fail(request[0], error)
      }
      return false
    })
  }

  /** To be added to `reply` once their transaction is committed. */
  function drafted(requests: readonly Request[], reply: Reply): Reply {
    const draft = reply.draft()
    operations.begin()
    scans.purgeBeside(() => each(requests, draft, write))
    return draft
  }

  /** Answers reads, and claims and acceptances that need no write, without the write lock; gives back the rest. */
  function answerReads(requests: readonly Request[], reply: Reply): readonly Request[] {
    if (!requests.some(isRead)) return requests
    try {
      const [answered, rest] = transactions.read(() => {
        const draft = reply.draft()
        return [draft, each(requests, draft, read)]
      })
      reply.add(answered)
      return rest
    } catch (error) {
      for (const [id] of requests) reply.fail(id, error)
      return []
    }
  }

  function answerWrites(requests: readonly Request[], reply: Reply, since: number): void {
    if (requests.length === 0) return
    try {
      reply.add(transactions.write(() => drafted(requests, reply), { since }))
    } catch (error) {
      for (const [id] of requests) reply.fail(id, error)
      return
    }
    keepLogShort()
  }

  /** After the clock stepped back. Tried again with the next requests where it cannot be done at once. */
  function putLineRight(): void {
    try {
      if (!transactions.tryBegin()) return
      transactions.finish(() => operations.cutLine(Date.now()))
      clock.isRight()
    } catch {
      // What hinders it hinders the requests too, which tell.
    }
  }

  return {
    scans,

    listInOrder: createListing(db, transactions),

    usage: createUsage(db, transactions),

    isInPlace,

    read: answerReads,

    /**
     * Answers the requests after one transaction for all of them. While another process writes, and when the transaction
     * fails, those that need no write are answered all the same. The others wait for the lock from `since` on.
     */
    answer(requests: readonly Request[], reply: Reply, since: number): void {
      if (requests.length === 0) return
      if (clock.hasSteppedBack()) putLineRight()
      try {
        reply.add(transactions.tryWrite(() => drafted(requests, reply)))
      } catch (error) {
        const rest = answerReads(requests, reply)
        if (isBusy(error)) answerWrites(rest, reply, since)
        else for (const [id] of rest) reply.fail(id, error)
        return
      }
      keepLogShort()
    },

    /**
     * The last connection that closes writes the log back into the file and removes it. @photostructure/sqlite keeps
     * one half open, that of effects for example, until its statements are collected: so the log is emptied first.
     */
    close(): void {
      if (isInPlace()) emptyLog(db)
      db.close()
    },
  }
}

const READS: ReadonlySet<Request[1]> = new Set(['claim', 'accept', 'claimDue', 'get', 'backlog'])

function isRead(request: Request): boolean {
  return READS.has(request[1])
}
