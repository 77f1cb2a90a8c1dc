import { ConfigurationError } from '../../errors.js'
import { aFlag, aNumber, aText, checkOptions, either } from '../../util/options.js'
import { withDefaults } from '../../util/with-defaults.js'

export interface PostgresStoreOptions {
  /** The schema that holds the tables: lower-case letters, digits and `_`, at most 50. Default `hookonce`. */
  schema?: string
  /**
   * How the store learns that a watched record changed. `true`: LISTEN on a connection of the pool. A connection string:
   * LISTEN on a separate connection, for a pool behind PgBouncer in transaction mode. `false`: no `watch`; waiting callers
   * poll the record. Default `true`.
   */
  listen?: boolean | string
  /** The time limit of one operation, retries included. Default 1,500. */
  timeoutMs?: number
  /**
   * The time limit of the work in a transaction; after it the transaction is rolled back. If the answer to COMMIT is lost,
   * the store looks up the outcome for as long again, 10,000 at most. Default 30,000.
   */
  transactionTimeoutMs?: number
  /** The approximate interval at which expired records are removed in the background; 0: never. Default 60,000. */
  purgeIntervalMs?: number
  /**
   * Whether statements are named, so that the server plans each once a connection. If a pooler does not support them
   * (PgBouncer before 1.21 in transaction mode), the store stops naming them. Default `true`.
   */
  namedStatements?: boolean
  /** Whether the first operation migrates the schema. `false`: run `postgresMigrations()` by hand. Default `true`. */
  migrate?: boolean
  /** The most connections of a pool that the store makes, 4 or more. Default 10. */
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
  // It becomes part of statements, and of the channel's name, which has 63 bytes at most.
  if (!/^[a-z_][a-z0-9_]{0,49}$/.test(schema)) {
    throw new ConfigurationError(
      `schema must be up to 50 lower-case letters, digits and _, and start with no digit, not ${JSON.stringify(schema)}`,
    )
  }
  return schema
}

function inRange(name: string, value: number, least: number): void {
  // A timer's range.
  if (!(Number.isInteger(value) && value >= least && value < 2 ** 31)) {
    throw new ConfigurationError(`${name} must be a whole number from ${least} to ${2 ** 31 - 1}, not ${value}`)
  }
}
