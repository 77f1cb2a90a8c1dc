import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SETTING_NAMES, SETTINGS } from '../../config/settings.js'
import { StartError } from '../../config/start-error.js'

const CLI = fileURLToPath(new URL('../../cli.js', import.meta.url))
const APPLICATION = fileURLToPath(new URL('application.js', import.meta.url))

export interface ReceiverProcess {
  pid: number
  /** Where it listens. */
  url: string
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>
}

/** A temporary folder and the processes in it. */
export class Stage {
  readonly folder = mkdtempSync(join(tmpdir(), 'hookonce-demo-'))
  /** Those that run, and their ends. */
  readonly #children = new Map<ChildProcess, Promise<void>>()

  /** Starts the receiver with the application. @throws {StartError} it ended before it listened */
  async start(adminToken: string): Promise<ReceiverProcess> {
    const child = fork(CLI, ['serve', '--config', APPLICATION], {
      cwd: this.folder,
      env: { ...withoutSettings(process.env), [SETTINGS.adminToken.env]: adminToken },
      execArgv: [],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    const exited = new Promise<void>(resolve => {
      child.once('exit', () => {
        this.#children.delete(child)
        resolve()
      })
    })
    this.#children.set(child, exited)
    let output = ''
    const url = await new Promise<string>((resolve, reject) => {
      for (const stream of [child.stdout!, child.stderr!]) {
        stream.setEncoding('utf8').on('data', text => {
          output += text
          const found = /"urls":\["([^"]+)".*"msg":"listening"/.exec(output)?.[1]
          if (found !== undefined) resolve(found)
        })
      }
      void exited.then(() => reject(new StartError(`demo: a process ended before it listened: ${output.trim()}`, 1)))
    })
    const kill = async () => {
      child.kill('SIGKILL')
      await exited
    }
    return { pid: child.pid!, url, kill }
  }

  /** Kills the processes; resolves when they are gone. */
  async end(): Promise<void> {
    const exits = [...this.#children.values()]
    this.#kill()
    await Promise.all(exits)
  }

  /** At the exit of this process: kills the processes and removes the folder. */
  clear(): void {
    this.#kill()
    // A process that is being killed may still make a file.
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 10 })
  }

  #kill(): void {
    for (const child of this.#children.keys()) child.kill('SIGKILL')
  }
}

/** The demo says itself what its processes do. */
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const settings = new Set<string>(SETTING_NAMES.map(name => SETTINGS[name].env))
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !settings.has(name) && !/^(HOOKONCE|OTEL)_/.test(name)),
  )
}
