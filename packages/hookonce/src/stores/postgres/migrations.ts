import { postgresStoreDefaults, validSchema } from './options.js'
import { migrationsFor } from './statements.js'

/**
 * The migrations as plain SQL, oldest first, for those who run them by hand (`migrate: false`): each in a transaction,
 * in its order, once; `SELECT version FROM hookonce.meta` tells how many a schema has had. The schema itself must be
 * there: `CREATE SCHEMA hookonce`.
 *
 * @throws ConfigurationError for a schema that is no name.
 * @example
 * console.log(postgresMigrations().join('\n'))
 */
export function postgresMigrations(schema: string = postgresStoreDefaults.schema): string[] {
  return migrationsFor(validSchema(schema))
}
