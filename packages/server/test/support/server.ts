import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { actAsOperator, hasConfigFile, openedForTests } from './operator.js'

export const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))

export interface ServerOptions {
  env?: Record<string, string>
  args?: string[]
  cwd?: string
}

export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

export interface RunningServer {
  /** On 127.0.0.1. */
  url: string
  pid: number
  kill(signal?: NodeJS.Signals): void
  exited: Promise<Exit>
  stdout(): string
  stderr(): string
}

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'hookonce-'))
}

/** Starts a command that goes on until it is told to stop. */
export const startCli = ({ env = {}, args = [], cwd = temporaryFolder() }: ServerOptions) => launch({ env, args, cwd })

/** Runs the command to its end. */
export async function runCli(options: ServerOptions = {}) {
  const { exited, stdout, stderr } = startCli(options)
  return { ...(await exited), stdout: stdout(), stderr: stderr() }
}

/**
 * Starts the real server on a free port, or a worker that has one, and waits until it says that it listens.
 * Without a `cwd` in a new, empty folder; of the environment it gets `env` and nothing else, but for an operators' token
 * where it would be closed without.
 */
export async function startServer({
  env = {},
  args = [],
  cwd = temporaryFolder(),
}: ServerOptions = {}): Promise<RunningServer> {
  const opened = openedForTests(env, hasConfigFile(cwd) || args.includes('--config'))
  const server = launch({ env: { PORT: '0', ...opened, ...env }, args, cwd })
  const url = await Promise.race([
    server.firstUrl,
    server.exited.then(({ code }) => {
      throw new Error(`the server ended with ${code} before it listened: ${server.stderr()}${server.stdout()}`)
    }),
  ])
  actAsOperator(url, opened)
  return { ...server, url }
}

/** What is still running when the tests of a file are over. */
const running = new Set<ChildProcess>()

export function stopServers(): void {
  for (const child of running) child.kill('SIGKILL')
}

function launch({ env, args, cwd }: Required<ServerOptions>) {
  const child = spawn(process.execPath, [CLI, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  let stdout = ''
  let stderr = ''
  const firstUrl = new Promise<string>(resolve => {
    child.stdout.setEncoding('utf8').on('data', chunk => {
      stdout += chunk
      const url = /^\{.*"urls":\["([^"]+)".*"msg":"(?:listening|working)"\}$/m.exec(stdout)?.[1]
      if (url) resolve(url)
    })
  })
  child.stderr.setEncoding('utf8').on('data', chunk => {
    stderr += chunk
  })
  const exited = new Promise<Exit>(resolve =>
    child.on('close', (code, signal) => {
      running.delete(child)
      resolve({ code, signal })
    }),
  )
  return {
    pid: child.pid!,
    kill: (signal: NodeJS.Signals = 'SIGTERM') => void child.kill(signal),
    exited,
    firstUrl,
    stdout: () => stdout,
    stderr: () => stderr,
  }
}
