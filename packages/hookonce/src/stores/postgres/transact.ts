import type { CompleteOutcome, RecordId } from '../store.js'
import type { Completing } from './complete.js'
import { type Connection, type Connections, within } from './connections.js'
import {
  asksForAnotherRun,
  Failure,
  failureOfStatement,
  isOfFailedTransaction,
  isOfReadOnlyServer,
  isOfStatementNames,
} from './errors.js'
import type { PostgresClient } from './pool.js'
import { persist } from './retry.js'
import type { Statements } from './statements.js'

const MOST_RUNS = 5
/** How long the fate of a COMMIT without an answer is asked after, at most: a restart or a failover takes seconds. */
const LONGEST_FATE_MS = 10_000
/** The longest one question waits for a transaction that has not ended. */
const FATE_LOCK_MS = 1000

export interface TransactingSettings {
  timeoutMs: number
  transactionTimeoutMs: number
  /** How many transactions may be open at once: the pool's other clients renew leases meanwhile. */
  mostAtOnce: number
}

/** An attempt and the record it holds. A record that is made anew under the same key has another id. */
interface Held extends RecordId {
  leaseId: string
  recordId: unknown
}

type Work<Client> = (client: Client) => Promise<Uint8Array>

export function createTransacting<Client extends PostgresClient>(
  connections: Connections,
  statements: Statements,
  completing: Completing,
  { timeoutMs, transactionTimeoutMs, mostAtOnce }: TransactingSettings,
) {
  const takePlace = createPlaces(mostAtOnce)
  const soon = () => performance.now() + timeoutMs
  // Settings of this transaction only. The isolation level is named because under a stricter default every renewal
  // during the work would make the completion fail.
  const begin =
    'BEGIN ISOLATION LEVEL READ COMMITTED; ' +
    `SET LOCAL idle_in_transaction_session_timeout = ${transactionTimeoutMs}; ` +
    `SET LOCAL statement_timeout = ${transactionTimeoutMs}`

  /** The record that the attempt holds, or what settles it without a transaction. */
  async function lookUp({ scope, key }: RecordId, leaseId: string): Promise<Held | CompleteOutcome> {
    const by = soon()
    const [row] = await persist(by, 'always', () => connections.run(statements.holds, [scope, key, leaseId], by)).catch(
      undone,
    )
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
      return undone(error)
    }
  }

  async function runWork(connection: Connection, work: Work<Client>): Promise<Uint8Array> {
    const { client } = connection
    const until = performance.now() + transactionTimeoutMs
    const release = guard(client)
    let result: Uint8Array
    try {
      result = await within(until, work(client as Client), () => {
        connection.destroy()
        return new Failure(new Error(`the work took more than ${transactionTimeoutMs} ms`), 'refused', false)
      })
    } finally {
      release()
    }
    const status = client.getTransactionStatus()
    if (status === 'E') throw hiddenFailure()
    if (status !== 'T')
      throw new TypeError('the work ended the transaction itself: what it wrote stands without a result')
    return result
  }

  async function rollBack(connection: Connection): Promise<void> {
    await connection.run('ROLLBACK', [], soon()).catch(() => connection.destroy())
  }

  /** What became of a transaction whose COMMIT had no answer. */
  async function fateOf({ scope, key, leaseId, recordId }: Held, lost: Failure): Promise<CompleteOutcome> {
    const until = performance.now() + Math.min(LONGEST_FATE_MS, transactionTimeoutMs)
    const rows = await persist(until, 'always', () => {
      const by = Math.min(until, performance.now() + FATE_LOCK_MS + timeoutMs)
      return connections.run(statements.fate, [scope, key, String(FATE_LOCK_MS)], by).catch(error => {
        // A server that hangs may come back within the time there is.
        throw new Failure((error as Failure).cause, (error as Failure).effect, true)
      })
    }).catch(() => {
      throw new Failure(lost.cause, 'unknown', false)
    })
    const [standing, state, holder, settledAt] = rows[0] ?? []
    // The record is gone, redriven, or another has taken its place: nothing tells any more.
    if (standing !== recordId || state === 'pending') throw new Failure(lost.cause, 'unknown', false)
    // Another attempt can only have taken over what was not completed.
    if (holder !== leaseId) return { status: 'fenced' }
    if (state === 'completed') return { status: 'completed', completedAt: Number(settledAt) }
    throw new Failure(lost.cause, 'refused', false)
  }

  /** One transaction; `undefined`: the database asks for another. */
  async function runOnce(held: Held, work: Work<Client>): Promise<CompleteOutcome | undefined> {
    const beginBy = soon()
    const connection = await persist(beginBy, 'if refused', () => beginOn(beginBy))
    try {
      const result = await runWork(connection, work)
      const [completedAt] = await completing.record([{ ...held, result }], soon(), connection).catch(error => {
        // The work may end between a statement's error and the word of what became of the transaction.
        if (isOfFailedTransaction(error)) throw hiddenFailure()
        return undone(error)
      })
      if (completedAt === undefined) {
        await rollBack(connection)
        const by = soon()
        return await persist(by, 'always', () => completing.before(held, held.leaseId, by))
      }
      const lost = await connection.run(COMMIT, [], soon()).then(
        () => undefined,
        error => error as Failure,
      )
      if (lost === undefined) return { status: 'completed', completedAt }
      if (lost.effect === 'refused') throw lost
      connection.destroy()
      return await fateOf(held, lost)
    } catch (error) {
      // The work's own statements do not go through the connection, which notices this by itself otherwise.
      if (isOfReadOnlyServer(error)) connection.destroy()
      else await rollBack(connection)
      if (asksForAnotherRun(error) || isOfStatementNames(error)) return undefined
      throw error
    } finally {
      connection.release()
    }
  }

  return async function transact(id: RecordId, leaseId: string, work: Work<Client>): Promise<CompleteOutcome> {
    const found = await lookUp(id, leaseId)
    if ('status' in found) return found
    const leavePlace = await takePlace(performance.now() + transactionTimeoutMs)
    try {
      for (let runs = 1; runs <= MOST_RUNS; runs++) {
        const outcome = await runOnce(found, work)
        if (outcome !== undefined) return outcome
      }
      throw new Failure(new Error(`${MOST_RUNS} runs of the transaction met with conflicts`), 'refused', false)
    } finally {
      leavePlace()
    }
  }
}

const hiddenFailure = () => new TypeError('a statement of the work failed and its error was kept: nothing is committed')

/** The completion waits for locks a short time only; what the effects deferred to the COMMIT waits as it is used to. */
const COMMIT = 'SET LOCAL lock_timeout = DEFAULT; COMMIT'

/** What would commit or undo effects without their result. Savepoints are the work's own business. */
const ENDS_TRANSACTION =
  /^\s*(begin|start\s+transaction|commit|end|abort|rollback(?!\s+(work\s+|transaction\s+)?to\b)|prepare\s+transaction)\b/i

/**
 * While work is done the client refuses to begin or end a transaction: an ORM's own `transaction()` would begin nothing,
 * for one is open, and then commit the effects without their result. Gives back what lifts that.
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

/** Without a COMMIT nothing stands, however the connection ended. */
function undone(error: unknown): never {
  const { cause, passes } = failureOfStatement(error)
  throw new Failure(cause, 'refused', passes)
}

/** Lets so many in at once, first come, first served. */
function createPlaces(mostAtOnce: number) {
  const queue: (() => void)[] = []
  let taken = 0

  function leave(): void {
    const next = queue.shift()
    if (next === undefined) taken--
    else next()
  }

  return async function take(by: number): Promise<() => void> {
    if (taken < mostAtOnce) {
      taken++
      return leave
    }
    const turn = new Promise<void>(resolve => queue.push(resolve))
    let isLate = false
    turn.then(() => isLate && leave())
    await within(by, turn, () => {
      isLate = true
      return new Failure(new Error('other transactions took all the time there was'), 'refused', true)
    })
    return leave
  }
}
