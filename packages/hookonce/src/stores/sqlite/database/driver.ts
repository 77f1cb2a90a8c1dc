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

const BUILT_IN = 'node:sqlite'
const PACKAGE = '@photostructure/sqlite'

/** Of no bundler's: the package is optional, and its native part does not survive being bundled. */
const requireFrom = (place: string): NodeJS.Require => process.getBuiltinModule('node:module').createRequire(place)

/**
 * Where the driver is: `node:sqlite`, or the file of the package.
 *
 * @throws ConfigurationError there is none.
 */
export function findDriver(): string {
  const [major = 0] = process.versions.node.split('.').map(Number)
  // Before Node 24, node:sqlite is missing, behind a flag, or without `timeout`.
  if (major >= 24) {
    if (process.getBuiltinModule(BUILT_IN) !== undefined) return BUILT_IN
    throw new ConfigurationError(`the sqlite store needs ${BUILT_IN}, which this runtime lacks (${process.execPath})`)
  }
  // In a bundle the library's place may not exist any more; the application's does.
  for (const place of [import.meta.url, `${process.cwd()}/`]) {
    try {
      return requireFrom(place).resolve(PACKAGE)
    } catch {}
  }
  throw new ConfigurationError(
    `the sqlite store needs Node 24 or the package ${PACKAGE}: npm install ${PACKAGE}; if the application is bundled, ` +
      `deploy node_modules/${PACKAGE} with it`,
  )
}

/** @throws ConfigurationError it cannot be loaded. */
export function loadDriver(place: string): Driver {
  if (place === BUILT_IN) return process.getBuiltinModule(BUILT_IN) as unknown as Driver
  try {
    return requireFrom(place)(place)
  } catch (cause) {
    throw new ConfigurationError(`the sqlite store cannot load ${place}: npm rebuild ${PACKAGE} (${cause})`)
  }
}
