import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Below the range from which systems take ports for outgoing connections, so that a server can come back to its own. */
const [LOWEST, HIGHEST] = [15_000, 32_000]

const taken: string[] = []
process.once('exit', () => {
  for (const file of taken) rmSync(file, { force: true })
})

/** A loopback port that nobody listens on, and that no other process is given while this one lives. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST))
    if (take(port) && (await isFree(port))) return port
  }
}

/** Whether no other has it: files are for those that run beside this process. */
function take(port: number): boolean {
  const folder = join(tmpdir(), 'hookonce-ports')
  mkdirSync(folder, { recursive: true })
  const file = join(folder, String(port))
  try {
    writeFileSync(file, '', { flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
  taken.push(file)
  return true
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
