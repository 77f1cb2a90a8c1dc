import { ConfigurationError } from '../../errors.js'
import { type Connection, type Connections, within } from './connections.js'
import { Failure } from './errors.js'
import { migrationsFor, type Statements } from './statements.js'

const OLDEST_SERVER = 130_000
/** A migration may rewrite a table; what waits for it does not, it is refused in time. */
const MIGRATION_MS = 600_000
/** What others ask meanwhile stands in line behind it. */
const LOCK_MS = 500
/** The migration after it makes the index of labels. */
const BEFORE_LABELS_INDEX = 3

/**
 * Brings the schema up to date, once: `open` resolves when it is, and tries again if it could not be.
 *
 * The caller waits no longer than its own time, a migration that runs goes on.
 */
export function createOpening(connections: Connections, statements: Statements, schema: string, mayMigrate: boolean) {
  const migrations = migrationsFor(schema)
  let isOpen = false
  let migrating: Promise<void> | undefined

  async function look(connection: Connection, by: number): Promise<{ exists: boolean; version: number }> {
    const [[server, exists, isOurs] = []] = await connection.run(statements.schema, [schema], by)
    if (server < OLDEST_SERVER) throw new ConfigurationError(`Postgres 13 or newer is needed, this is ${server}`)
    const [[version = 0, least = 0] = []] = isOurs ? await connection.run(statements.version, [], by) : []
    if (least > migrations.length) {
      throw new ConfigurationError(
        `schema "${schema}" needs version ${least}, this version of hookonce knows up to ${migrations.length}: ` +
          'use a newer hookonce',
      )
    }
    return { exists, version }
  }

  /**
   * Each in a transaction of its own, and looked at again under the lock: several processes may start at once, and the
   * others of an earlier version work on meanwhile. So no lock on a table is waited for long, in front of their statements.
   */
  async function migrate(): Promise<void> {
    const by = performance.now() + MIGRATION_MS
    const connection = await connections.connect(by)
    try {
      for (let version = -1; version < migrations.length; ) {
        // Whatever the database's default is: at others the transaction has a snapshot to its end.
        await connection.run('BEGIN ISOLATION LEVEL READ COMMITTED', [], by)
        await connection.run(statements.lockMigrations, [], by)
        const seen = await look(connection, by)
        // Last, and by itself: a statement with a name leaves its snapshot until the next one, and the index would wait for that.
        await connection.run(`SET LOCAL lock_timeout = ${LOCK_MS}`, [], by)
        version = seen.version
        // Whoever may use a schema need not be allowed to create one.
        if (!seen.exists) await connection.run(`CREATE SCHEMA "${schema}"`, [], by)
        if (version === BEFORE_LABELS_INDEX && (await isLarge(connection, by))) await indexLabels(by)
        if (version < migrations.length) await connection.run(migrations[version++]!, [], by)
        await connection.run('COMMIT', [], by)
      }
    } catch (error) {
      connection.destroy()
      throw error
    } finally {
      connection.release()
    }
  }

  /** By itself, without a name: see above. */
  async function isLarge(connection: Connection, by: number): Promise<boolean> {
    const [row] = await connection.run(statements.isLarge.text, [], by)
    return (row as unknown as { is_large: boolean }).is_large
  }

  /** Beside what goes on: built in a transaction, an index stops all writes. The caller has the lock. */
  async function indexLabels(by: number): Promise<void> {
    const connection = await connections.connect(by)
    try {
      // One that was begun and not finished stays, and is good for nothing.
      await connection.run(statements.dropLabelsIndex, [], by)
      await connection.run(statements.indexLabels, [], by)
    } catch (error) {
      connection.destroy()
      throw error
    } finally {
      connection.release()
    }
  }

  return {
    /** @throws Failure, or ConfigurationError. */
    async open(by: number): Promise<void> {
      if (isOpen) return
      const connection = await connections.connect(by)
      let version: number
      try {
        version = (await look(connection, by)).version
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
        migrating ??= migrate().finally(() => {
          migrating = undefined
        })
        await within(by, migrating, () => new Failure(new Error('the schema is being migrated'), 'refused', true))
      }
      isOpen = true
    },

    isOpen: () => isOpen,
  }
}
