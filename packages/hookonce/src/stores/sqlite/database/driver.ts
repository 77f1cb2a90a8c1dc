import { ConfigurationError } from '../../../errors.js'

/**
 * The work of a transaction writes with this: the driver's own database object, which has the shape of `node:sqlite`'s
 * `DatabaseSync` (https://nodejs.org/api/sqlite.html). Foreign keys are enforced.
 *
 * It writes to tables of the store's file, and only while the work runs: afterwards a write throws. The store ends the
 * transaction. A COMMIT in the work throws; a ROLLBACK makes the store reject with a `TypeError`, and what the work
 * wrote after it may be committed without a result.
 *
 * @example
 * return attempt.commit(tx => {
 *   tx.prepare('INSERT INTO payments (id, amount) VALUES (?, ?)').run(event.id, event.amount)
 *   return jsonResponse({ ok: true })
 * })
 */
export interface SqliteTransaction {
  /** Compiles one statement. */
  prepare(sql: string): SqliteStatement
  /** Runs statements that return no rows. */
  exec(sql: string): void
}

/** A compiled statement; parameters are those of `?` in order, or an object for named ones. */
export interface SqliteStatement {
  run(...parameters: SqliteParameter[]): { changes: number | bigint; lastInsertRowid: number | bigint }
  /** The first row. */
  get(...parameters: SqliteParameter[]): unknown
  all(...parameters: SqliteParameter[]): unknown[]
}

export type SqliteValue = string | number | bigint | null | Uint8Array
export type SqliteParameter = SqliteValue | Record<string, SqliteValue>

/** The part of `node:sqlite` that the store uses; `@photostructure/sqlite` has the same. */
export interface Database extends SqliteTransaction {
  readonly isTransaction: boolean
  /** Adds a function to this connection's SQL. */
  function(name: string, body: (...values: never[]) => SqliteValue): void
  close(): void
}

export interface Driver {
  DatabaseSync: new (path: string, options: { timeout: number }) => Database
}

export async function loadDriver(): Promise<Driver> {
  const [major = 0] = process.versions.node.split('.').map(Number)
  // Before Node 24, node:sqlite is missing, behind a flag, or without `timeout`.
  const name = major >= 24 ? 'node:sqlite' : '@photostructure/sqlite'
  try {
    return await import(name)
  } catch (cause) {
    throw new ConfigurationError(
      major >= 24
        ? `the sqlite store needs node:sqlite, which this build of Node ${process.versions.node} lacks (${cause})`
        : `the sqlite store needs Node 24 or the package @photostructure/sqlite: npm install @photostructure/sqlite (${cause})`,
    )
  }
}
