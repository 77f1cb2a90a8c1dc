import { randomUUID } from 'node:crypto'
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Runs `work` while no other process of this machine runs work under the same file. The file names its owner: one that
 * died is set aside.
 */
export async function withLock<T>(file: string, work: () => Promise<T>, timeoutMs = 900_000): Promise<T> {
  const owner = `${process.pid} ${randomUUID()}`
  const deadline = performance.now() + timeoutMs
  while (!createOnce(file, owner)) {
    if (performance.now() > deadline)
      throw new Error(`${file} is held by process ${read(file)}: if that is not so, delete it`)
    removeIfOwnerDied(file)
    await sleep(50)
  }
  try {
    return await work()
  } finally {
    rmSync(file)
  }
}

/** Makes the file with its content in one step, unless it exists. */
function createOnce(file: string, content: string): boolean {
  const draft = `${file}.${randomUUID()}`
  writeFileSync(draft, content)
  try {
    linkSync(draft, file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(draft)
  }
}

function removeIfOwnerDied(file: string): void {
  const owner = read(file)
  if (owner === undefined || isAlive(Number.parseInt(owner, 10))) return
  // Only one process may remove this owner's lock, or a slow one would remove its successor's.
  const remover = `${file}.died-${owner.replace(' ', '-')}`
  if (!createOnce(remover, '')) return
  if (read(file) === owner) rmSync(file)
  rmSync(remover)
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
