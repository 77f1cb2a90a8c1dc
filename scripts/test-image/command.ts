import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export interface Ending {
  code: number | null
  stdout: string
  stderr: string
}

export interface CommandOptions {
  env?: NodeJS.ProcessEnv
  input?: string
  /** SIGKILL after this. Default: a minute. */
  timeoutMs?: number
}

/** Runs a command in the repository's folder to its end. */
export function attempt(command: string[], options: CommandOptions = {}): Promise<Ending> {
  const { env = process.env, input = '', timeoutMs = 60_000 } = options
  const [file, ...args] = command
  return new Promise(resolve => {
    const child = spawn(file!, args, { cwd: ROOT, env, stdio: ['pipe', 'pipe', 'pipe'] })
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
    const texts = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', text => {
        texts[name] += text
      })
    }
    child.once('error', error => {
      clearTimeout(timer)
      resolve({ code: null, stdout: '', stderr: error.message })
    })
    child.once('close', code => {
      clearTimeout(timer)
      resolve({ code, ...texts })
    })
    // One that ends without reading says so by its code.
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}

/** What the command writes to its standard output. @throws when it does not exit 0 */
export async function must(command: string[], options?: CommandOptions): Promise<string> {
  const { code, stdout, stderr } = await attempt(command, options)
  if (code !== 0)
    throw new Error(`${command.join(' ')} ended with ${code}: ${`${stdout}\n${stderr}`.trim().slice(-3000)}`)
  return stdout.trim()
}
