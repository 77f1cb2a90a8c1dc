import { ConfigurationError } from '../../../errors.js'
import type { ConnectionSettings } from '../messages.js'
import { migrations } from '../sql.generated.js'
import type { Database, Driver } from './driver.js'
import { createFile, misplaced, watchPlace } from './file.js'
import { createHash, type HashOf } from './key-hash.js'
import { retryWhileBusy } from './transaction.js'

/** "Hook", in the file's header. */
const APPLICATION_ID = 0x486f6f6b

export interface OpenFile {
  db: Database
  /** `false`: the path names another file or none, and what is written to this one is lost. */
  isInPlace(): boolean
}

/** Opens the file, creates it if it is missing, and migrates its schema. */
export function openDatabase(driver: Driver, settings: ConnectionSettings): OpenFile {
  createFile(settings.path)
  const isInPlace = watchPlace(settings.path)
  // `retryWhileBusy` waits instead of the driver.
  const db = new driver.DatabaseSync(settings.path, { timeout: 0 })
  try {
    if (!isInPlace()) throw misplaced()
    retryWhileBusy(settings.busyTimeoutMs, () => prepare(db, settings))
    return { db, isInPlace }
  } catch (error) {
    db.close()
    throw error
  }
}

/** A new database of this connection alone. */
export function openInMemory(driver: Driver): OpenFile {
  const db = new driver.DatabaseSync(':memory:', { timeout: 0 })
  migrate(db)
  return { db, isInPlace: () => true }
}

function prepare(db: Database, { synchronous }: ConnectionSettings): void {
  const schema = schemaOf(db)
  // Has no effect once there is a table or the journal is a WAL.
  if (schema.version === 0) db.exec('PRAGMA auto_vacuum = INCREMENTAL')
  const { journal_mode } = db.prepare('PRAGMA journal_mode = WAL').get() as { journal_mode: string }
  if (journal_mode !== 'wal') throw new ConfigurationError(`no write-ahead log is possible here (${journal_mode})`)
  db.exec(`PRAGMA synchronous = ${synchronous}`)
  if (schema.version < migrations.length) migrate(db)
}

/** Several processes may start at once, so the version is read again under the write lock. */
function migrate(db: Database): void {
  let hashOf: HashOf | undefined
  db.function('hookonce_hash', (scope: string, key: string) => {
    hashOf ??= createHash(db)
    return hashOf(scope, key)
  })
  db.exec('BEGIN IMMEDIATE')
  try {
    const { version } = schemaOf(db)
    for (const migration of migrations.slice(version)) db.exec(migration)
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}`)
    db.exec(`PRAGMA user_version = ${migrations.length}`)
    db.exec('COMMIT')
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}

function schemaOf(db: Database): { version: number } {
  const { application, version, tables } = db
    .prepare(
      `SELECT a.application_id AS application, v.user_version AS version, (SELECT count(*) FROM sqlite_schema) AS tables
       FROM pragma_application_id AS a, pragma_user_version AS v`,
    )
    .get() as { application: number; version: number; tables: number }
  const isEmpty = application === 0 && version === 0 && tables === 0
  if (application !== APPLICATION_ID && !isEmpty) {
    throw new ConfigurationError('the file is the database of another application')
  }
  if (version > migrations.length) {
    const { least } = db.prepare('SELECT least_version AS least FROM meta WHERE id = 1').get() as { least: number }
    if (least > migrations.length) {
      throw new ConfigurationError(
        `the file needs schema ${least}, this version of hookonce knows up to ${migrations.length}: use a newer hookonce`,
      )
    }
  }
  return { version }
}
