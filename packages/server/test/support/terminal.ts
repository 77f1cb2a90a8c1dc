import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { requireTool } from '../../../../scripts/test-tools/index.js'
import { until } from '../process/support/until.js'
import { CLI, temporaryFolder } from './server.js'

const SCRIPT = fileURLToPath(new URL('terminal.py', import.meta.url))

export const ENTER = '\r'
export const TAB = '\t'
export const DOWN = '\x1b[B'
export const CONTROL_C = '\x03'

export interface Terminal {
  /** Everything so far, as it was sent. */
  raw(): string
  /** Everything so far, without colours and movements. */
  text(): string
  type(keys: string): void
  /** Waits until the pattern is shown, behind what an earlier call has found. */
  shows(pattern: RegExp): Promise<RegExpExecArray>
  exited: Promise<number | null>
  /** Closes the window. Returns whether the command still runs. */
  close(): () => boolean
}

export interface TerminalOptions {
  args?: string[]
  env?: Record<string, string>
  cwd?: string
}

const running = new Set<ChildProcess>()

export function closeTerminals(): void {
  for (const child of running) child.kill('SIGKILL')
}

/** Runs the command in a pseudo-terminal, as a person would. */
export async function openTerminal({ args = [], env = {}, cwd = temporaryFolder() }: TerminalOptions = {}) {
  const python = await requireTool('python')
  const { PATH, TMPDIR } = process.env
  const child = spawn(python, [SCRIPT, process.execPath, CLI, ...args], {
    cwd,
    env: { PATH, TMPDIR, TERM: 'xterm-256color', PORT: '0', ...env },
    stdio: 'pipe',
  })
  running.add(child)
  let raw = ''
  let seen = 0
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', chunk => (raw += chunk))
  const text = () => stripVTControlCharacters(raw).replaceAll('\r', '')
  const terminal: Terminal = {
    raw: () => raw,
    text,
    type: keys => void child.stdin.write(keys),
    async shows(pattern) {
      try {
        const found = await until(`the terminal shows ${pattern}`, () => pattern.exec(text().slice(seen)))
        seen += found.index + found[0].length
        return found
      } catch (error) {
        throw new Error(text(), { cause: error })
      }
    },
    exited: new Promise(resolve =>
      child.on('close', code => {
        running.delete(child)
        resolve(code)
      }),
    ),
    close() {
      const pid = Number(execFileSync('pgrep', ['-P', String(child.pid)], { encoding: 'utf8' }))
      child.kill('SIGKILL')
      return () => isRunning(pid)
    },
  }
  return terminal
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
