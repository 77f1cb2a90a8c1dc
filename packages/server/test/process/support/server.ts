import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { actAsOperator, openedForTests } from '../../support/operator.js'
import { CLI } from '../../support/server.js'
import { onCleanup } from './until.js'

export type Settings = Record<string, string | number>

export interface StartOptions {
  /** A command that runs the server as its last arguments, in its own process: `['unshare', '-m']`. */
  within?: string[]
  /** Arguments of the server's own; with `work` first it is a worker, which listens if it has a port for that. */
  args?: string[]
  /** The command line of another build. Default: this one's. */
  cli?: string
}

interface LogLine {
  level: string
  msg: string
  [fact: string]: unknown
}

/** The command line in a process of its own; it may not listen yet. */
export class ServerProcess {
  readonly child: ChildProcess
  /** What it has logged. */
  readonly log: LogLine[] = []
  stderr = ''
  /** Its exit code, or the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals>
  readonly listening: Promise<this>
  url = ''

  constructor(settings: Settings, { within = [], args = [], cli = CLI }: StartOptions = {}) {
    const [command = '', ...rest] = [...within, process.execPath, cli, ...args]
    const { PATH, TMPDIR } = process.env
    const given = Object.entries(settings).map(([name, value]) => [name, String(value)])
    const opened = openedForTests(settings, args.includes('--config'))
    this.child = spawn(command, rest, {
      env: { PATH, TMPDIR, HOST: '127.0.0.1', PORT: '0', ...opened, ...Object.fromEntries(given) },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    onCleanup(() => this.kill())
    this.child.stderr!.setEncoding('utf8').on('data', text => {
      this.stderr += text
    })
    this.exited = new Promise(resolve => this.child.once('close', (code, signal) => resolve(signal ?? code!)))
    this.listening = new Promise((resolve, reject) => {
      createInterface({ input: this.child.stdout! }).on('line', line => {
        const entry = JSON.parse(line) as LogLine
        this.log.push(entry)
        if (entry.msg !== 'listening' && entry.msg !== 'working') return
        this.url = (entry.urls as string[] | undefined)?.[0] ?? ''
        if (this.url !== '') actAsOperator(this.url, opened)
        resolve(this)
      })
      void this.exited.then(code => reject(new Error(`the server ended with ${code}: ${this.stderr}`)))
    })
    // Whoever starts a server to see it fail does not wait for it.
    this.listening.catch(() => {})
  }

  get pid(): number {
    return this.child.pid!
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }

  /** Resolves when the process is gone. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.exited
  }

  logged(msg: string): LogLine[] {
    return this.log.filter(line => line.msg === msg)
  }
}

export function startServer(settings: Settings, options?: StartOptions): Promise<ServerProcess> {
  return new ServerProcess(settings, options).listening
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'hookonce-process-'))
  onCleanup(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A store file that does not exist yet. */
export function newStoreFile(): string {
  return join(temporaryFolder(), 'hookonce.db')
}
