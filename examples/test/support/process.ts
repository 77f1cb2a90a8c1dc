import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

export interface Program {
  /** Where it listens. */
  url: string
  output(): string
  /** Ends it with SIGTERM; its exit code. */
  stop(): Promise<number | null>
  /** Ends it with SIGKILL. */
  kill(): Promise<void>
}

export interface ProgramOptions {
  cwd?: string
  env?: Record<string, string>
}

const STARTED = /(?:[Ll]istening on|running on|"urls":\[)\s*"?(http:\/\/[^\s"]+)[\s"]/

/** A file of this repository. */
export function inRepository(path: string): string {
  return fileURLToPath(new URL(`../../../${path}`, import.meta.url))
}

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'example-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Starts a program that listens on a port of its choice, and stops it after the test at the latest. */
export async function start(command: string, args: string[], options: ProgramOptions = {}): Promise<Program> {
  const child = launch(command, args, options)
  const exited = once(child, 'exit')
  const output = gather(child)
  const stop = async () => {
    child.kill('SIGTERM')
    const [code] = await exited
    return code as number | null
  }
  const kill = async () => {
    child.kill('SIGKILL')
    await exited
  }
  onTestFinished(async () => {
    await stop()
  })
  const url = await new Promise<string>((resolve, reject) => {
    const look = () => {
      const started = STARTED.exec(output())
      if (started) resolve(started[1]!)
    }
    child.stdout!.on('data', look)
    child.stderr!.on('data', look)
    child.once('error', reject)
    child.once('exit', code => reject(new Error(`${command} ended with ${code} before it listened:\n${output()}`)))
  })
  return { url, output, stop, kill }
}

/** Runs a program to its end. */
export async function runToEnd(command: string, args: string[], options: ProgramOptions = {}) {
  const child = launch(command, args, options)
  const output = gather(child)
  const [code] = await once(child, 'close')
  return { code: code as number | null, output: output() }
}

function launch(command: string, args: string[], { cwd = temporaryFolder(), env = {} }: ProgramOptions): ChildProcess {
  return spawn(command, args, { cwd, env: { ...inherited(), ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
}

/** Less settings of this machine that would reach the programs: the server refuses those it does not know. */
function inherited(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^HOOKONCE_|_proxy$|^(HOST|PORT)$/i.test(name))
  return Object.fromEntries(kept)
}

function gather(child: ChildProcess): () => string {
  let output = ''
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  return () => output
}
