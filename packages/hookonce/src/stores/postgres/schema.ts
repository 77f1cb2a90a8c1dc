import { ConfigurationError } from '../../errors.js'
import { type Connection, type Connections, within } from './connections.js'
import { Failure } from './errors.js'
import { migrationsFor, type Statement, type Statements } from './statements.js'

const OLDEST_SERVER = 130_000
/** A migration may rewrite a table. Operations that wait for it are refused at their own time limit. */
const MIGRATION_MS = 600_000
/** Other statements queue behind a migration that waits for a lock. */
const LOCK_MS = 500

/**
 * Migrates the schema. `migrate` resolves once it is up to date, and can be called again after a failure. A migration goes on
 * after the deadline of its caller.
 */
export function createMigrator(connections: Connections, statements: Statements, schema: string, mayMigrate: boolean) {
  const migrations = migrationsFor(schema)
  /** By version: the index that the next migration makes. */
  const nextIndexes = new Map([
    [3, { drop: statements.dropLabelsIndex, create: statements.indexLabels }],
    [7, { drop: statements.dropDeadIndex, create: statements.indexDead }],
  ])
  let isCurrent = false
  let migrating: Promise<void> | undefined

  async function readVersion(connection: Connection, by: number): Promise<{ exists: boolean; version: number }> {
    const [[server, exists, hasTables] = []] = await connection.run(statements.schema, [schema], by)
    if (server < OLDEST_SERVER) throw new ConfigurationError(`Postgres 13 or newer is needed, this is ${server}`)
    const [[version = 0, least = 0] = []] = hasTables ? await connection.run(statements.version, [], by) : []
    if (least > migrations.length) {
      throw new ConfigurationError(
        `schema "${schema}" needs version ${least}, this version of hookonce knows up to ${migrations.length}: ` +
          'use a newer hookonce',
      )
    }
    return { exists, version }
  }

  /**
   * Each migration of a schema that is in use has its own transaction, and reads the version again under the lock, because several processes may start
   * at once. Processes of an earlier version go on meanwhile, so the lock timeout on tables is short.
   */
  async function migrateAll(): Promise<void> {
    const by = performance.now() + MIGRATION_MS
    const connection = await connections.connect(by)
    try {
      for (let version = -1; version < migrations.length; ) {
        // At a stricter level, which may be the default, the transaction would not see the migrations of others.
        await connection.run('BEGIN ISOLATION LEVEL READ COMMITTED', [], by)
        await connection.run(statements.lockMigrations, [], by)
        const current = await readVersion(connection, by)
        // Last, because it is unnamed: a named statement keeps a snapshot until the next one, and an index built concurrently
        // waits for all snapshots.
        await connection.run(`SET LOCAL lock_timeout = ${LOCK_MS}`, [], by)
        version = current.version
        // Only if it is missing, because the user may lack the privilege to create one.
        if (!current.exists) await connection.run(`CREATE SCHEMA "${schema}"`, [], by)
        const index = nextIndexes.get(version)
        if (index !== undefined && (await isLarge(connection, by))) await buildIndex(index, by)
        if (version < migrations.length) await connection.run(migrations[version++]!, [], by)
        // A new schema has no rows that a migration would hold locks for: one transaction is quicker.
        while (current.version === 0 && version < migrations.length)
          await connection.run(migrations[version++]!, [], by)
        await connection.run('COMMIT', [], by)
      }
    } catch (error) {
      connection.destroy()
      throw error
    } finally {
      connection.release()
    }
  }

  /** Unnamed: see `migrateAll`. */
  async function isLarge(connection: Connection, by: number): Promise<boolean> {
    const [row] = await connection.run(statements.isLarge.text, [], by)
    return (row as unknown as { is_large: boolean }).is_large
  }

  /** Concurrently, because in a transaction it would block writes. The caller has the migration lock. */
  async function buildIndex({ drop, create }: Record<'drop' | 'create', Statement>, by: number): Promise<void> {
    const connection = await connections.connect(by)
    try {
      // An interrupted build leaves an invalid index.
      await connection.run(drop, [], by)
      await connection.run(create, [], by)
    } catch (error) {
      connection.destroy()
      throw error
    } finally {
      connection.release()
    }
  }

  return {
    /** @throws Failure, or ConfigurationError. */
    async migrate(by: number): Promise<void> {
      if (isCurrent) return
      const connection = await connections.connect(by)
      let version: number
      try {
        version = (await readVersion(connection, by)).version
      } finally {
        connection.release()
      }
      if (version < migrations.length) {
        if (!mayMigrate) {
          throw new ConfigurationError(
            `schema "${schema}" has version ${version} of ${migrations.length} and migrating is off: ` +
              'run the rest of postgresMigrations()',
          )
        }
        migrating ??= migrateAll().finally(() => {
          migrating = undefined
        })
        await within(by, migrating, () => new Failure(new Error('the schema is being migrated'), 'refused', true))
      }
      isCurrent = true
    },

    isCurrent: () => isCurrent,
  }
}
