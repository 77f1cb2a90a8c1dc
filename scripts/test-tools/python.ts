import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheFolder } from './cache.js'
import { lastLine, run } from './run.js'
import { ToolMissingError } from './tool.js'

const REQUIREMENTS = fileURLToPath(new URL('../../examples/fastapi/requirements.txt', import.meta.url))

/** A virtual environment with what examples/fastapi requires, kept until the requirements or the Python change. */
export async function preparePython(python: string, requirements = REQUIREMENTS): Promise<string> {
  const version = await succeed(python, ['-c', 'import sys; print(sys.version, sys.executable)'])
  const hash = createHash('sha256').update(readFileSync(requirements)).update(version).digest('hex').slice(0, 16)
  const folder = join(cacheFolder(), `python-${hash}`)
  const inside = join(folder, 'bin/python')
  const complete = join(folder, 'complete')
  if (existsSync(complete)) return inside

  rmSync(folder, { recursive: true, force: true })
  await succeed(python, ['-m', 'venv', folder])
  await succeed(inside, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements])
  writeFileSync(complete, '')
  return inside
}

async function succeed(command: string, args: string[]): Promise<string> {
  const { code, output } = await run(command, args)
  if (code !== 0) throw new ToolMissingError(`${command} ${args.join(' ')}: ${lastLine(output)}`)
  return output
}
