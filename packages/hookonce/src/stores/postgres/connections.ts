import {
  Failure,
  failureOfConnection,
  failureOfStatement,
  isOfReadOnlyServer,
  isOfStatementNames,
  isOfTheStatement,
} from './failures.js'
import type { PostgresClient, PostgresPool } from './pool.js'
import type { Statement } from './statements.js'

// biome-ignore lint/suspicious/noExplicitAny: columns are what the statement selects
export type Row = any[]

export type Connections = ReturnType<typeof createConnections>

/** A client that is checked out. It goes back to the pool unless it broke, or still owes an answer. */
export interface Connection<Client extends PostgresClient = PostgresClient> {
  readonly client: Client
  /** @throws Failure */
  run(query: Statement | string, values: readonly unknown[], by: number): Promise<Row[]>
  release(): void
  /** Ends it at once, whatever is under way. */
  destroy(): void
}

/**
 * Checks clients out and asks them, each under a deadline `by` on the monotonic clock.
 *
 * @param demoted is told that a connection leads to a server that takes no writes: others may too
 */
export function createConnections<Client extends PostgresClient>(
  openPool: () => Promise<PostgresPool>,
  areStatementsNamed: boolean,
  demoted: () => void,
) {
  let named = areStatementsNamed

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

  async function connect(by: number): Promise<Connection<Client>> {
    let isBroken = false
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
      try {
        const { rows } = await within(by, client.query(config), () => {
          return new Failure(new Error('no answer in time'), 'unknown', false)
        })
        return rows
      } catch (error) {
        const isReadOnly = isOfReadOnlyServer(error)
        if (!isOfTheStatement(error) || isReadOnly) isBroken = true
        if (isReadOnly) demoted()
        throw error
      }
    }

    function giveBack(destroy: boolean): void {
      if (isReleased) return
      isReleased = true
      client.removeListener('error', onError)
      client.release(destroy)
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
        connection.release()
      }
    },
  }
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
