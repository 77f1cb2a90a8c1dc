import type { CompleteOutcome, RecordId } from '../store.js'
import type { Completions } from './complete.js'
import { type Connection, type Connections, within } from './connections.js'
import {
  Failure,
  failureOfStatement,
  isFailedTransactionError,
  isReadOnlyError,
  isStatementNameError,
  isTransactionConflict,
} from './errors.js'
import type { PostgresClient } from './pool.js'
import { retry } from './retry.js'
import type { Statements } from './statements.js'

const MOST_RUNS = 5
/** How long the outcome of a COMMIT without an answer is looked up: a restart or a failover takes seconds. */
const LONGEST_LOOKUP_MS = 10_000
/** How long one lookup waits for a transaction that has not ended. */
const LOOKUP_LOCK_MS = 1000

export interface TransactOptions {
  timeoutMs: number
  transactionTimeoutMs: number
  /** The most open transactions: the pool's other clients renew leases meanwhile. */
  mostAtOnce: number
}

/** An attempt and its record. A record that replaces another under the same key has another id. */
interface Held extends RecordId {
  leaseId: string
  recordId: unknown
}

type Work<Client> = (client: Client) => Promise<Uint8Array>

export function createTransact<Client extends PostgresClient>(
  connections: Connections,
  statements: Statements,
  completions: Completions,
  { timeoutMs, transactionTimeoutMs, mostAtOnce }: TransactOptions,
) {
  const acquireSlot = createSemaphore(mostAtOnce)
  const deadline = () => performance.now() + timeoutMs
  // Settings of this transaction only. At a stricter isolation level, which may be the default, a renewal during the work
  // would make the completion fail.
  const begin =
    'BEGIN ISOLATION LEVEL READ COMMITTED; ' +
    `SET LOCAL idle_in_transaction_session_timeout = ${transactionTimeoutMs}; ` +
    `SET LOCAL statement_timeout = ${transactionTimeoutMs}`

  /** The record that the attempt holds, or the outcome if it holds none. */
  async function findAttempt({ scope, key }: RecordId, leaseId: string): Promise<Held | CompleteOutcome> {
    const by = deadline()
    const [row] = await retry(by, 'always', () =>
      connections.run(statements.findAttempt, [scope, key, leaseId], by),
    ).catch(throwRolledBack)
    const [recordId, state, settledAt] = row ?? []
    if (state === 'completed') return { status: 'completed', completedAt: Number(settledAt) }
    return state === 'running' ? { scope, key, leaseId, recordId } : { status: 'fenced' }
  }

  async function beginOn(by: number): Promise<Connection> {
    const connection = await connections.connect(by)
    try {
      await connection.run(begin, [], by)
      return connection
    } catch (error) {
      connection.destroy()
      return throwRolledBack(error)
    }
  }

  async function runWork(connection: Connection, work: Work<Client>): Promise<Uint8Array> {
    const { client } = connection
    const until = performance.now() + transactionTimeoutMs
    const unguard = guard(client)
    let result: Uint8Array
    try {
      result = await within(until, work(client as Client), () => {
        connection.destroy()
        return new Failure(new Error(`the work took more than ${transactionTimeoutMs} ms`), 'refused', false)
      })
    } finally {
      unguard()
    }
    const status = client.getTransactionStatus()
    if (status === 'E') throw hiddenFailure()
    if (status !== 'T')
      throw new TypeError('the work ended the transaction itself: what it wrote stands without a result')
    return result
  }

  async function rollBack(connection: Connection): Promise<void> {
    await connection.run('ROLLBACK', [], deadline()).catch(() => connection.destroy())
  }

  /** The outcome of a transaction whose COMMIT got no answer. */
  async function commitOutcome({ scope, key, leaseId, recordId }: Held, lost: Failure): Promise<CompleteOutcome> {
    const until = performance.now() + Math.min(LONGEST_LOOKUP_MS, transactionTimeoutMs)
    const rows = await retry(until, 'always', () => {
      const by = Math.min(until, performance.now() + LOOKUP_LOCK_MS + timeoutMs)
      return connections.run(statements.commitOutcome, [scope, key, String(LOOKUP_LOCK_MS)], by).catch(error => {
        // Any error is retried, because a server that hangs may recover in time.
        throw new Failure((error as Failure).cause, (error as Failure).effect, true)
      })
    }).catch(() => {
      throw new Failure(lost.cause, 'unknown', false)
    })
    const [id, state, holder, settledAt] = rows[0] ?? []
    // The record was removed, replaced or redriven, so it does not show the outcome any more.
    if (id !== recordId || state === 'pending') throw new Failure(lost.cause, 'unknown', false)
    // Another attempt can only have taken over a record that was not completed.
    if (holder !== leaseId) return { status: 'fenced' }
    if (state === 'completed') return { status: 'completed', completedAt: Number(settledAt) }
    throw new Failure(lost.cause, 'refused', false)
  }

  /** Runs one transaction; `undefined`: it is to be run again. */
  async function runOnce(held: Held, work: Work<Client>): Promise<CompleteOutcome | undefined> {
    const beginBy = deadline()
    const connection = await retry(beginBy, 'if refused', () => beginOn(beginBy))
    try {
      const result = await runWork(connection, work)
      const [completedAt] = await completions.record([{ ...held, result }], deadline(), connection).catch(error => {
        // The work may end before the client has read the transaction status that follows a statement's error.
        if (isFailedTransactionError(error)) throw hiddenFailure()
        return throwRolledBack(error)
      })
      if (completedAt === undefined) {
        await rollBack(connection)
        const by = deadline()
        return await retry(by, 'always', () => completions.unrecorded(held, held.leaseId, by))
      }
      const lost = await connection.run(COMMIT, [], deadline()).then(
        () => undefined,
        error => error as Failure,
      )
      if (lost === undefined) return { status: 'completed', completedAt }
      if (lost.effect === 'refused') throw lost
      connection.destroy()
      return await commitOutcome(held, lost)
    } catch (error) {
      // The work's statements do not go through `connection.run`, which checks this for others.
      if (isReadOnlyError(error)) connection.destroy()
      else await rollBack(connection)
      if (isTransactionConflict(error) || isStatementNameError(error)) return undefined
      throw error
    } finally {
      connection.release()
    }
  }

  return async function transact(id: RecordId, leaseId: string, work: Work<Client>): Promise<CompleteOutcome> {
    const found = await findAttempt(id, leaseId)
    if ('status' in found) return found
    const releaseSlot = await acquireSlot(performance.now() + transactionTimeoutMs)
    try {
      for (let runs = 1; runs <= MOST_RUNS; runs++) {
        const outcome = await runOnce(found, work)
        if (outcome !== undefined) return outcome
      }
      throw new Failure(new Error(`${MOST_RUNS} runs of the transaction met with conflicts`), 'refused', false)
    } finally {
      releaseSlot()
    }
  }
}

const hiddenFailure = () => new TypeError('a statement of the work failed and its error was kept: nothing is committed')

/** The completion set a short lock timeout. Constraints of the effects that are deferred to COMMIT get the default again. */
const COMMIT = 'SET LOCAL lock_timeout = DEFAULT; COMMIT'

/** Statements that would commit or undo effects without the result. Savepoints are allowed. */
const ENDS_TRANSACTION =
  /^\s*(begin|start\s+transaction|commit|end|abort|rollback(?!\s+(work\s+|transaction\s+)?to\b)|prepare\s+transaction)\b/i

/**
 * Makes the client refuse to begin or end a transaction: an ORM's `transaction()` would join the open transaction and then
 * commit the effects without their result. Returns a function that undoes this.
 */
function guard(client: PostgresClient): () => void {
  const query = client.query
  const guarded = function (this: unknown, ...args: unknown[]): unknown {
    const [statement] = args
    const text = typeof statement === 'string' ? statement : (statement as { text?: unknown } | undefined)?.text
    if (typeof text === 'string' && ENDS_TRANSACTION.test(text)) {
      throw new TypeError('the work of a transaction may not begin or end one: it is committed with its result')
    }
    return Reflect.apply(query, client, args)
  }
  const own = Object.getOwnPropertyDescriptor(client, 'query')
  Object.defineProperty(client, 'query', { configurable: true, writable: true, value: guarded })
  return () => {
    if (own === undefined) delete (client as { query?: unknown }).query
    else Object.defineProperty(client, 'query', own)
  }
}

/** Before a COMMIT nothing is written, however the connection ended. */
function throwRolledBack(error: unknown): never {
  const { cause, isTransient } = failureOfStatement(error)
  throw new Failure(cause, 'refused', isTransient)
}

/** A first-in, first-out semaphore. `acquire` returns its release. */
function createSemaphore(size: number) {
  const queue: (() => void)[] = []
  let acquired = 0

  function release(): void {
    const next = queue.shift()
    if (next === undefined) acquired--
    else next()
  }

  return async function acquire(by: number): Promise<() => void> {
    if (acquired < size) {
      acquired++
      return release
    }
    const granted = new Promise<void>(resolve => queue.push(resolve))
    let isLate = false
    granted.then(() => isLate && release())
    await within(by, granted, () => {
      isLate = true
      return new Failure(new Error('other transactions took all the time there was'), 'refused', true)
    })
    return release
  }
}
