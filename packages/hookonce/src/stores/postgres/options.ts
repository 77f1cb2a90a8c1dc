import { ConfigurationError } from '../../errors.js'
import { aFlag, aNumber, aText, checkOptions, either } from '../../util/options.js'
import { withDefaults } from '../../util/with-defaults.js'

export interface PostgresStoreOptions {
  /** The schema that holds the tables: lower-case letters, digits and `_`, at most 50. Default `hookonce`. */
  schema?: string
  /**
   * How a change of a watched record is heard of: `true`, by LISTEN on a connection of the pool; a connection string,
   * on a connection of its own, for a pool that goes through PgBouncer in transaction mode; `false`, not at all:
   * `watch` is absent, and who waits for a record reads it from time to time. Default `true`.
   */
  listen?: boolean | string
  /** The longest one operation takes before it is given up. Default 1,500. */
  timeoutMs?: number
  /**
   * The longest the work of a transaction takes before it is rolled back. Where the answer to its COMMIT is lost, what
   * became of it is asked after for as long again, and 10,000 at most. Default 30,000.
   */
  transactionTimeoutMs?: number
  /** How often expired records are removed in the background, about; 0: never. Default 60,000. */
  purgeIntervalMs?: number
  /**
   * Whether statements are named, so that the server plans them once a connection. A pooler that does not know them
   * (PgBouncer before 1.21 in transaction mode) is noticed, and they are no longer named. Default `true`.
   */
  namedStatements?: boolean
  /** Whether the first operation brings the schema up to date. `false`: that was done by hand. Default `true`. */
  migrate?: boolean
  /** For a connection string: the most connections, 4 or more. Default 10. */
  poolSize?: number
}

export const postgresStoreDefaults: Readonly<Required<PostgresStoreOptions>> = {
  schema: 'hookonce',
  listen: true,
  timeoutMs: 1500,
  transactionTimeoutMs: 30_000,
  purgeIntervalMs: 60_000,
  namedStatements: true,
  migrate: true,
  poolSize: 10,
}

const RULES = {
  schema: aText,
  listen: either(aFlag, { ...aText, words: 'a connection string' }),
  timeoutMs: aNumber,
  transactionTimeoutMs: aNumber,
  purgeIntervalMs: aNumber,
  namedStatements: aFlag,
  migrate: aFlag,
  poolSize: aNumber,
}

/** @throws ConfigurationError */
export function resolved(given: PostgresStoreOptions): Required<PostgresStoreOptions> {
  checkOptions('postgresStore', given, RULES)
  const options = withDefaults(postgresStoreDefaults, given)
  const { timeoutMs, transactionTimeoutMs, purgeIntervalMs, poolSize } = options
  validSchema(options.schema)
  inRange('timeoutMs', timeoutMs, 1)
  inRange('transactionTimeoutMs', transactionTimeoutMs, 1)
  inRange('purgeIntervalMs', purgeIntervalMs, 0)
  inRange('poolSize', poolSize, 4)
  return options
}

/** @throws ConfigurationError */
export function validSchema(schema: string): string {
  // It becomes part of statements and of a channel's name (63 bytes).
  if (!/^[a-z_][a-z0-9_]{0,49}$/.test(schema)) {
    throw new ConfigurationError(
      `schema must be up to 50 lower-case letters, digits and _, and start with no digit, not ${JSON.stringify(schema)}`,
    )
  }
  return schema
}

function inRange(name: string, value: number, least: number): void {
  // The range of a timer.
  if (!(Number.isInteger(value) && value >= least && value < 2 ** 31)) {
    throw new ConfigurationError(`${name} must be a whole number from ${least} to ${2 ** 31 - 1}, not ${value}`)
  }
}
