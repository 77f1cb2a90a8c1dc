import { execFileSync } from 'node:child_process'
import type { DatabaseSync } from '@photostructure/sqlite'
import type { ServerProcess } from './server.js'
import { onCleanup, until } from './until.js'

type Database = InstanceType<typeof DatabaseSync>

/** A connection as any other program would have one. */
async function connect(file: string): Promise<Database> {
  const hasDriver = Number.parseInt(process.versions.node, 10) >= 24
  const driver = await import(hasDriver ? 'node:sqlite' : '@photostructure/sqlite')
  const db = new driver.DatabaseSync(file, { timeout: 0 })
  onCleanup(() => db.isOpen && db.close())
  return db
}

/** Takes the write lock of a store file, and gives back what releases it. */
export async function lock(file: string): Promise<() => void> {
  const db = await connect(file)
  await until('the store file is free', () => tryLock(db))
  return () => db.close()
}

/** Stops a process at a moment when it does not hold the lock, which it would keep from all others. */
export async function stopOutsideTransaction(server: ServerProcess, file: string): Promise<void> {
  const db = await connect(file)
  await until('the process is stopped without the lock', async () => {
    server.signal('SIGSTOP')
    await until('the process stands still', () => stateOf(server).startsWith('T'))
    const isFree = tryLock(db)
    if (!isFree) server.signal('SIGCONT')
    return isFree
  })
  db.close()
}

const stateOf = ({ pid }: ServerProcess) => execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })

function tryLock(db: Database): boolean {
  try {
    db.exec('BEGIN IMMEDIATE')
    return true
  } catch (error) {
    if (/locked/.test(String(error))) return false
    throw error
  }
}
