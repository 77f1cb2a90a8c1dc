import {
  Failure,
  failureOfConnection,
  failureOfStatement,
  isReadOnlyError,
  isStatementError,
  isStatementNameError,
} from './errors.js'
import type { PostgresClient, PostgresPool } from './pool.js'
import type { Statement } from './statements.js'

// biome-ignore lint/suspicious/noExplicitAny: columns are what the statement selects
export type Row = any[]

export type Connections = ReturnType<typeof createConnections>

/** A client that is checked out of the pool. */
export interface Connection<Client extends PostgresClient = PostgresClient> {
  readonly client: Client
  /** @throws Failure */
  run(query: Statement | string, values: readonly unknown[], by: number): Promise<Row[]>
  /** Returns the client to the pool, or ends it if it is broken. */
  release(): void
  /** Ends the client at once. */
  destroy(): void
}

/**
 * Runs statements on clients of the pool, each with a deadline `by` on the monotonic clock. A client that misses the deadline
 * of a single statement stays checked out for up to `graceMs` and returns to the pool once it has answered. Ending it at
 * once would make a slow server open new connections while it still works for the old ones.
 *
 * @param onReadOnly is called when a connection leads to a read-only server; others may too
 */
export function createConnections<Client extends PostgresClient>(
  openPool: () => Promise<PostgresPool>,
  areStatementsNamed: boolean,
  graceMs: number,
  onReadOnly: () => void,
) {
  let named = areStatementsNamed
  /** Functions that end the clients whose answers are late. */
  const late = new Set<() => void>()

  /**
   * A client with an error listener, because the pool removes its own at checkout. Added in the callback, because a server
   * may accept a client and end it in one packet, before a promise would resolve.
   * @throws Failure `refused`: nothing was sent.
   */
  async function checkOut(by: number, onError: () => void): Promise<Client> {
    let isLate = false
    const checkout = openPool().then(
      pool =>
        new Promise<Client>((resolve, reject) => {
          pool.connect((error, client) => {
            if (client === undefined) return reject(error)
            client.on('error', onError)
            if (!isLate) return resolve(client as Client)
            client.removeListener('error', onError)
            client.release()
          })
        }),
    )
    try {
      return await within(by, checkout, () => {
        isLate = true
        return new Failure(new Error('no connection was free or could be opened in time'), 'refused', true)
      })
    } catch (error) {
      throw failureOfConnection(error)
    }
  }

  async function connect(by: number): Promise<Connection<Client> & { releaseOnceAnswered(): void }> {
    let isBroken = false
    let lateAnswer: Promise<unknown> | undefined
    let isReleased = false
    const onError = () => {
      isBroken = true
    }
    const client = await checkOut(by, onError)

    async function send(query: Statement | string, values: readonly unknown[], by: number): Promise<Row[]> {
      if (isBroken) throw new Failure(new Error('the connection was lost'), 'refused', true)
      const config =
        typeof query === 'string'
          ? query
          : named
            ? { ...query, values }
            : { text: query.text, rowMode: 'array', values }
      const answer = client.query(config)
      try {
        const { rows } = await within(by, answer, () => {
          lateAnswer = answer
          return new Failure(new Error('no answer in time'), 'unknown', false)
        })
        return rows
      } catch (error) {
        isBroken ||= breaks(error)
        if (isReadOnlyError(error)) onReadOnly()
        throw error
      }
    }

    function returnToPool(destroy: boolean): void {
      if (isReleased) return
      isReleased = true
      client.removeListener('error', onError)
      client.release(destroy)
    }

    function releaseOnceAnswered(): void {
      if (lateAnswer === undefined) returnToPool(isBroken)
      else awaitAnswer(lateAnswer)
    }

    function awaitAnswer(answer: Promise<unknown>): void {
      const end = (destroy: boolean) => {
        clearTimeout(timer)
        late.delete(endNow)
        returnToPool(destroy)
      }
      const endNow = () => end(true)
      const timer = setTimeout(endNow, graceMs)
      late.add(endNow)
      answer.then(
        () => end(false),
        error => end(breaks(error)),
      )
    }

    return {
      client,

      async run(query, values, by) {
        const wasNamed = named
        try {
          return await send(query, values, by)
        } catch (error) {
          if (!wasNamed || !isStatementNameError(error)) throw failureOfStatement(error)
          named = false
          throw new Failure(error, 'refused', true)
        }
      },

      release: () => returnToPool(isBroken),
      releaseOnceAnswered,
      destroy: () => returnToPool(true),
    }
  }

  return {
    connect,

    /** Runs a single statement. @throws Failure */
    async run(statement: Statement, values: readonly unknown[], by: number): Promise<Row[]> {
      const connection = await connect(by)
      try {
        return await connection.run(statement, values, by)
      } finally {
        connection.releaseOnceAnswered()
      }
    },

    /** Ends the clients whose answers are late. */
    close(): void {
      for (const end of late) end()
    },
  }
}

/** Whether the connection cannot be used after the error. */
function breaks(error: unknown): boolean {
  return !isStatementError(error) || isReadOnlyError(error)
}

/** Settles as `promise` does, or rejects with `lateError()` at the deadline. */
export function within<T>(by: number, promise: Promise<T>, lateError: () => Error): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => reject(lateError()), Math.max(0, by - performance.now()))
    promise.then(
      value => {
        clearTimeout(timer)
        resolve(value)
      },
      error => {
        clearTimeout(timer)
        reject(error)
      },
    )
  })
}
