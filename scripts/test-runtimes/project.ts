import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inject, onTestFinished } from 'vitest'
import { lastLine, run } from '../test-tools/run.js'

const APPS = fileURLToPath(new URL('./apps', import.meta.url))

/** A folder of a test's own, where nothing can be imported. */
export function folderOfItsOwn(): string {
  return removedLater(mkdtempSync(join(tmpdir(), 'project-')))
}

/** A folder of a test's own with the named files of `apps`, where the tools and the packed library can be imported. */
export function project(...apps: string[]): string {
  const folder = removedLater(mkdtempSync(join(inject('tools'), 'project-')))
  for (const app of apps) cpSync(join(APPS, app), join(folder, app), { recursive: true })
  return folder
}

function removedLater(folder: string): string {
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }))
  return folder
}

/** A file of the tools' `node_modules`. */
export const tool = (path: string): string => join(inject('tools'), 'node_modules', path)

/** The command in the one folder of a scope, which npm has chosen for this platform. */
export function platformTool(scope: string, path: string): string {
  const [folder] = readdirSync(tool(scope))
  return join(tool(scope), folder!, path)
}

const environment = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => {
  const { PATH, HOME, TMPDIR } = process.env
  return { PATH, HOME, TMPDIR, CI: 'true', NEXT_TELEMETRY_DISABLED: '1', ...more }
}

/** The output of a command, which must succeed. */
export async function must(folder: string, command: string, args: string[], env?: NodeJS.ProcessEnv): Promise<string> {
  const { code, output } = await run(command, args, environment(env), folder)
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${lastLine(output)}\n${output}`)
  return output
}

/** Starts what says where it listens, until the test is over. */
export async function serve(
  folder: string,
  [command, ...args]: [string, ...string[]],
  env?: NodeJS.ProcessEnv,
): Promise<{ url: string; output: () => string }> {
  const child = spawn(command, args, { cwd: folder, env: environment(env), stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = new Promise<void>(resolve => child.once('close', () => resolve()))
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await exited
  })
  let output = ''
  const url = await new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += chunk
      const said = /http:\/\/[\w.]+:\d+/.exec(output)
      if (said !== null) resolve(said[0])
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.once('error', reject)
    child.once('close', () => reject(new Error(`${command} ${args.join(' ')} ended: ${output}`)))
  })
  return { url, output: () => output }
}
