import { randomBytes } from 'node:crypto'
import { closeSync, constants, fstatSync, linkSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { SETTINGS } from '../../config/settings.js'
import { StartError } from '../../config/start-error.js'

/** The token in a file, which is created with a new token if it is missing. @throws {StartError} it cannot be used */
export function ensureToken(path: string): string {
  try {
    const known = readToken(path)
    if (known !== undefined) return known
    create(path)
    return readToken(path)!
  } catch (error) {
    if (error instanceof StartError) throw error
    const { code } = error as NodeJS.ErrnoException
    throw new StartError(`${path} cannot be used (${code}); mend that, or set ${SETTINGS.adminToken.env}`, 1)
  }
}

/** `undefined`: there is no such file. @throws {StartError} it cannot be used */
export function readToken(path: string): string | undefined {
  let file: number
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    const stat = fstatSync(file)
    const own = process.getuid?.()
    if (own !== undefined && own !== 0 && stat.uid !== own) {
      throw new StartError(`${path} belongs to another user (${stat.uid}); run as that user, or delete it`, 1)
    }
    const mode = stat.mode & 0o777
    if (own !== undefined && (mode & 0o077) !== 0) {
      throw new StartError(`other users can get at ${path} (mode ${mode.toString(8)}): chmod 600 ${path}`, 1)
    }
    const token = readFileSync(file, 'utf8').trim()
    if (!/^[\x21-\x7e]{8,1024}$/.test(token)) {
      throw new StartError(`${path} holds no token; delete it, and a new one is made`, 1)
    }
    return token
  } finally {
    closeSync(file)
  }
}

/** Atomic: a complete file or none, and the same one for processes that start at once. */
function create(path: string): void {
  const draft = `${path}.${randomBytes(8).toString('hex')}`
  try {
    writeFileSync(draft, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx', flush: true })
    linkSync(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(draft, { force: true })
  }
}
