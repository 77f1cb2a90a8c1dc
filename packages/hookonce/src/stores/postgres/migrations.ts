import { postgresStoreDefaults, validSchema } from './options.js'
import { migrationsFor } from './statements.js'

/**
 * The migrations as plain SQL, oldest first, to be run by hand (`migrate: false`). Create the schema first
 * (`CREATE SCHEMA hookonce`), then run each migration once, in order, in a transaction. `SELECT version FROM hookonce.meta`
 * returns how many a schema has had.
 *
 * @throws ConfigurationError for an invalid name of a schema.
 * @example
 * console.log(postgresMigrations().join('\n'))
 */
export function postgresMigrations(schema: string = postgresStoreDefaults.schema): string[] {
  return migrationsFor(validSchema(schema))
}
