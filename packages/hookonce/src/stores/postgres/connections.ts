import {
  Failure,
  failureOfConnection,
  failureOfStatement,
  isOfReadOnlyServer,
  isOfStatementNames,
  isOfTheStatement,
} from './errors.js'
import type { PostgresClient, PostgresPool } from './pool.js'
import type { Statement } from './statements.js'

// biome-ignore lint/suspicious/noExplicitAny: columns are what the statement selects
export type Row = any[]

export type Connections = ReturnType<typeof createConnections>

/** A client that is checked out. It goes back to the pool unless it broke. */
export interface Connection<Client extends PostgresClient = PostgresClient> {
  readonly client: Client
  /** @throws Failure */
  run(query: Statement | string, values: readonly unknown[], by: number): Promise<Row[]>
  /** One that owes an answer is ended. */
  release(): void
  /** Ends it at once, whatever is under way. */
  destroy(): void
}

/**
 * Checks clients out and asks them, each under a deadline `by` on the monotonic clock. One whose answer to a statement by
 * itself is late is kept for `patienceMs` more, and goes back to the pool once it has answered: a server that is slow would
 * otherwise have to open connection after connection, and work on beside them for those that were ended.
 *
 * @param demoted is told that a connection leads to a server that takes no writes: others may too
 */
export function createConnections<Client extends PostgresClient>(
  openPool: () => Promise<PostgresPool>,
  areStatementsNamed: boolean,
  patienceMs: number,
  demoted: () => void,
) {
  let named = areStatementsNamed
  /** What ends those that owe an answer. */
  const owing = new Set<() => void>()

  /**
   * A client, with a listener for its errors: a pool takes its own away while one is checked out. In the callback,
   * because a server that goes away may greet a new client and end it in one packet, before any promise has resolved.
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
    let owed: Promise<unknown> | undefined
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
          owed = answer
          return new Failure(new Error('no answer in time'), 'unknown', false)
        })
        return rows
      } catch (error) {
        isBroken ||= breaks(error)
        if (isOfReadOnlyServer(error)) demoted()
        throw error
      }
    }

    function giveBack(destroy: boolean): void {
      if (isReleased) return
      isReleased = true
      client.removeListener('error', onError)
      client.release(destroy)
    }

    function releaseOnceAnswered(): void {
      if (owed === undefined) giveBack(isBroken)
      else awaitAnswer(owed)
    }

    function awaitAnswer(answer: Promise<unknown>): void {
      const end = (destroy: boolean) => {
        clearTimeout(timer)
        owing.delete(endNow)
        giveBack(destroy)
      }
      const endNow = () => end(true)
      const timer = setTimeout(endNow, patienceMs)
      owing.add(endNow)
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
          if (!wasNamed || !isOfStatementNames(error)) throw failureOfStatement(error)
          named = false
          throw new Failure(error, 'refused', true)
        }
      },

      release: () => giveBack(isBroken),
      releaseOnceAnswered,
      destroy: () => giveBack(true),
    }
  }

  return {
    connect,

    /** One statement by itself. @throws Failure */
    async run(statement: Statement, values: readonly unknown[], by: number): Promise<Row[]> {
      const connection = await connect(by)
      try {
        return await connection.run(statement, values, by)
      } finally {
        connection.releaseOnceAnswered()
      }
    },

    /** Waits for no late answer any longer. */
    close(): void {
      for (const end of owing) end()
    },
  }
}

/** Whether a connection is of no more use after it. */
function breaks(error: unknown): boolean {
  return !isOfTheStatement(error) || isOfReadOnlyServer(error)
}

/** What `promise` gives, or a rejection with `late()` at the deadline. */
export function within<T>(by: number, promise: Promise<T>, late: () => Error): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => reject(late()), Math.max(0, by - performance.now()))
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
