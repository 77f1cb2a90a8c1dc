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

/** Makes the file if it is missing, for its owner only. SQLite gives its mode to its -wal and -shm too. */
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

/** A folder of this user that holds nothing else is its owner's alone, whoever made it wider. Any other is left as it is. */
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

/** What the server keeps beside it. */
const OPERATOR_TOKEN = 'operator-token'

function createFolder(folder: string): void {
  // Asked for a whole path, mkdir calls a read-only file system a missing folder.
  let standing = folder
  while (!existsSync(standing)) standing = dirname(standing)
  accessSync(standing, constants.W_OK)
  if (mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined) chmodSync(folder, 0o700)
}

/**
 * Gives what tells whether the path still names the file that it names now: SQLite would go on writing to one that
 * was deleted or replaced. An inode's number is not given to another file as long as the file is open.
 */
export function watchPlace(path: string): () => boolean {
  const found = statSync(path, { bigint: true })
  return () => {
    const standing = statSync(path, { bigint: true, throwIfNoEntry: false })
    return standing?.ino === found.ino && standing.dev === found.dev
  }
}

export function misplaced(): StoreError {
  return new StoreError('the file was deleted or replaced while it was open', 'refused')
}
