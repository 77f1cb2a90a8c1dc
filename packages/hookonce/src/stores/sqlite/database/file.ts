import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  mkdirSync,
  openSync,
  readdirSync,
  statSync,
} from 'node:fs'
import { basename, dirname } from 'node:path'
import { StoreError } from '../../../errors.js'

/** Creates the file if it is missing, for its owner only. SQLite creates its -wal and -shm with the same mode. */
export function createFile(path: string): void {
  const folder = dirname(path)
  if (existsSync(folder)) keepPrivate(folder, basename(path))
  else createFolder(folder)
  try {
    const file = openSync(path, 'wx', 0o600)
    fchmodSync(file, 0o600)
    closeSync(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  accessSync(path, constants.R_OK | constants.W_OK)
}

/** Takes the folder's permissions from group and others, if it is this user's and has only the store's files. */
function keepPrivate(folder: string, file: string): void {
  const { mode, uid } = statSync(folder)
  if ((mode & 0o077) === 0 || (mode & STICKY) !== 0 || uid !== process.geteuid?.()) return
  const isOurs = (name: string) => name.startsWith(file) || name === OPERATOR_TOKEN
  try {
    if (readdirSync(folder).every(isOurs)) chmodSync(folder, mode & 0o7700)
  } catch {
    // Some file systems have no modes.
  }
}

const STICKY = 0o1000

/** A file of the server. */
const OPERATOR_TOKEN = 'operator-token'

function createFolder(folder: string): void {
  // A recursive mkdir reports a read-only file system as ENOENT.
  let existing = folder
  while (!existsSync(existing)) existing = dirname(existing)
  accessSync(existing, constants.W_OK)
  if (mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined) chmodSync(folder, 0o700)
}

/**
 * Returns a check whether the path still names the same file, because SQLite would go on writing to a file that was
 * deleted or replaced. The number of an inode is not reused while the file is open.
 */
export function watchPlace(path: string): () => boolean {
  const opened = statSync(path, { bigint: true })
  return () => {
    const current = statSync(path, { bigint: true, throwIfNoEntry: false })
    return current?.ino === opened.ino && current.dev === opened.dev
  }
}

export function misplaced(): StoreError {
  return new StoreError('the file was deleted or replaced while it was open', 'refused')
}
