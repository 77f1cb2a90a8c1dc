import { accessSync, constants, statfsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Finding, fail, ok, warn } from './finding.js'

const MIN_BYTES = 100 * 1_048_576

/** File systems without reliable locks and shared memory: NFS, SMB, CIFS, SMB2, 9p, FUSE. */
const REMOTE = new Set([0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x01021997, 0x65735546])

/** The file and its folder, which exist. */
export function sqliteFindings(path: string): Finding[] {
  const findings = [path, dirname(path)].map(permissions)
  const writable = [path, dirname(path)].every(isWritable)
  findings.push(
    writable
      ? ok('writable', 'this user can write the file and beside it')
      : fail(
          'writable',
          'this user cannot write the file or beside it',
          `run as the owner, or: chown ${user()} ${path}`,
        ),
  )
  const { type, bavail, bsize } = statfsSync(path)
  const free = bavail * bsize
  findings.push(
    free >= MIN_BYTES
      ? ok('disk', `${Math.round(free / 1_048_576)} MiB are free`)
      : warn('disk', `only ${Math.round(free / 1_048_576)} MiB are free`, 'make room: a full disk answers 503'),
    REMOTE.has(type >>> 0)
      ? fail(
          'file system',
          'the file is on a network file system, where SQLite cannot lock',
          'use a disk of this machine',
        )
      : ok('file system', 'the file is on a local file system'),
  )
  return findings
}

/** The file contains answers and deliveries: only its owner may read it. */
function permissions(path: string): Finding {
  const { mode, uid } = statSync(path)
  const check = 'permissions'
  const own = process.getuid?.()
  if (own !== undefined && own !== 0 && uid !== own) {
    return warn(check, `${path} belongs to another user (${uid})`, `run as that user, or: chown ${user()} ${path}`)
  }
  const others = mode & 0o077
  return others === 0
    ? ok(check, `${path} is its owner's alone`)
    : warn(check, `other users can get at ${path} (mode ${(mode & 0o777).toString(8)})`, `chmod go-rwx ${path}`)
}

const user = (): string => String(process.getuid?.() ?? '')

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
    return true
  } catch {
    return false
  }
}
