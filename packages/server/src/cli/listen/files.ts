import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { StartError } from '../../config/start-error.js'
import type { Copied, Position } from './feed.js'

/** How far a listener came, by the URL of the server and the name of the source. */
export type Positions = Record<string, Record<string, Position>>

/** @throws {StartError} the file is of something else */
export async function readPositions(file: string): Promise<Positions> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw new StartError(`--state ${file}: ${(error as Error).message}`)
  }
  try {
    const { listen } = JSON.parse(text) as { listen: Positions }
    if (typeof listen === 'object' && listen !== null) return listen
  } catch {}
  throw new StartError(`--state ${file} is no file of hookonce listen; name another`)
}

/** Whole or not at all, whatever ends this process. */
export async function writePositions(file: string, listen: Positions): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(`${file}.new`, JSON.stringify({ listen }))
  await rename(`${file}.new`, file)
}

/** Writes a copy as `FOLDER/SOURCE/KEY.json`, in place of an earlier one of the same. */
export async function recordCopy(folder: string, { source, id, key, at, delivery }: Copied): Promise<void> {
  const file = join(folder, source, `${fileName(key ?? id)}.json`)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, `${JSON.stringify({ source, key, at, ...delivery }, null, 2)}\n`)
}

/** File systems allow 255 bytes. */
const MAX_NAME = 200

function fileName(key: string): string {
  const name = encodeURIComponent(key).replace(/^\.+$/, dots => '%2E'.repeat(dots.length))
  if (name.length <= MAX_NAME) return name
  const hash = createHash('sha256').update(key).digest('hex').slice(0, 16)
  return `${name.slice(0, MAX_NAME - hash.length - 1)}-${hash}`
}
