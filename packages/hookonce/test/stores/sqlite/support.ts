import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { DatabaseSync } from '@photostructure/sqlite'
import type { ClaimRequest } from 'hookonce'
import { type SqliteStoreOptions, sqliteStore } from 'hookonce/stores/sqlite'
import { afterEach } from 'vitest'

const cleanups: (() => unknown)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

export function onCleanup(cleanup: () => unknown): void {
  cleanups.push(cleanup)
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'hookonce-sqlite-'))
  onCleanup(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export function open(path: string, options?: SqliteStoreOptions): ReturnType<typeof sqliteStore> {
  const store = sqliteStore(path, options)
  onCleanup(() => store.close())
  return store
}

export function request(key: string, changes: Partial<ClaimRequest> = {}): ClaimRequest {
  return {
    scope: 'test',
    key,
    fingerprint: null,
    leaseId: `lease of ${key}`,
    leaseMs: 15_000,
    lockTtlMs: 300_000,
    retentionMs: 3_600_000,
    maxLosses: 10,
    ...changes,
  }
}

export type Connection = InstanceType<typeof DatabaseSync>

/** A connection of the driver's own, as any other program would have one. Waits 10 s for a lock. */
export async function connection(path: string): Promise<Connection> {
  const hasDriver = Number.parseInt(process.versions.node, 10) >= 24
  const driver = await import(hasDriver ? 'node:sqlite' : '@photostructure/sqlite')
  return new driver.DatabaseSync(path, { timeout: 10_000 })
}

export async function connect(path: string): Promise<Connection> {
  const db = await connection(path)
  onCleanup(() => db.isOpen && db.close())
  return db
}

export interface Child {
  process: ChildProcess
  lines: AsyncIterator<string>
  nextLine(): Promise<string>
  send(line: string): void
  exited: Promise<number | NodeJS.Signals>
}

/** Runs a part of child.mjs in a process of its own. */
export function startChild(...args: string[]): Child {
  return start([process.execPath, script, ...args])
}

/** The same; no file that it writes can grow beyond so many blocks of 512 bytes, or of 1,024 with some shells. */
export function startConfinedChild(blocks: number, ...args: string[]): Child {
  return start(['sh', '-c', `ulimit -f ${blocks}; exec "$0" "$@"`, process.execPath, script, ...args])
}

/** Runs the script of a test beside this file. */
export function startScript(name: string, ...args: string[]): Child {
  return start([process.execPath, fileURLToPath(new URL(name, import.meta.url)), ...args])
}

const script = fileURLToPath(new URL('./child.mjs', import.meta.url))

export function start([command, ...args]: string[]): Child {
  const child = spawn(command!, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  onCleanup(() => child.kill('SIGKILL'))
  // What is written to a child that was just killed is lost, and its exit tells so.
  child.stdin.on('error', () => {})
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  return {
    process: child,
    lines,
    async nextLine() {
      const { value, done } = await lines.next()
      if (done) throw new Error(`${args.join(' ')} ended early`)
      return value
    },
    send: line => child.stdin!.write(`${line}\n`),
    exited: new Promise(resolve => child.once('close', (code, signal) => resolve(signal ?? code!))),
  }
}

/** Waits until it holds. */
export async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise(resolve => setTimeout(resolve, 10))
}
