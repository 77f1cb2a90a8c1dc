import { accessSync, chmodSync, closeSync, constants, existsSync, fchmodSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { ConfigurationError } from '../../errors.js'
import type { Database, Driver } from './driver.js'
import type { WorkerSettings } from './protocol.js'
import { migrations } from './sql.generated.js'
import { patiently } from './transactions.js'

/** Marks the file as ours: "Hook". */
const APPLICATION_ID = 0x486f6f6b

/** Opens the file, made if it is missing, and brings its schema up to date. */
export function openDatabase(driver: Driver, settings: WorkerSettings): Database {
  createFile(settings.path)
  accessSync(settings.path, constants.R_OK | constants.W_OK)
  // Waiting is done by `patiently`, the driver's own wait is off.
  const db = new driver.DatabaseSync(settings.path, { timeout: 0 })
  try {
    patiently(settings.busyTimeoutMs, () => prepare(db, settings))
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** SQLite gives the file's mode to its -wal and -shm too. */
function createFile(path: string): void {
  createFolder(dirname(path))
  try {
    const file = openSync(path, 'wx', 0o600)
    fchmodSync(file, 0o600)
    closeSync(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

function createFolder(folder: string): void {
  if (existsSync(folder)) return
  // Asked for a whole path, mkdir calls a read-only file system a missing folder.
  let standing = folder
  while (!existsSync(standing)) standing = dirname(standing)
  accessSync(standing, constants.W_OK)
  if (mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined) chmodSync(folder, 0o700)
}

function prepare(db: Database, { synchronous }: WorkerSettings): void {
  const schema = schemaOf(db)
  // It cannot be changed once there is a table, nor once the journal is a WAL.
  if (schema.version === 0) db.exec('PRAGMA auto_vacuum = INCREMENTAL')
  const { journal_mode } = db.prepare('PRAGMA journal_mode = WAL').get() as { journal_mode: string }
  if (journal_mode !== 'wal') throw new ConfigurationError(`no write-ahead log is possible here (${journal_mode})`)
  db.exec(`PRAGMA synchronous = ${synchronous}`)
  if (schema.version < migrations.length) migrate(db)
}

/** Under the write lock, and looked at again there: several processes may start at once. */
function migrate(db: Database): void {
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
    throw new ConfigurationError(
      `the file has schema ${version}, this version of hookonce knows up to ${migrations.length}: use a newer hookonce`,
    )
  }
  return { version }
}
