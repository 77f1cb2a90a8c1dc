import { execFileSync } from 'node:child_process'
import type { ServerProcess } from './server.js'

/** Node arguments for a server whose garbage is collected when it is told to; by itself V8 waits for need. */
export const COLLECTING = ['--expose-gc', '--import', 'data:text/javascript,process.on("SIGUSR2",()=>gc())']

/** The resident memory after a collection, in MiB. Memory is given back over several of them. */
export async function residentMiB(server: ServerProcess): Promise<number> {
  server.signal('SIGUSR2')
  await new Promise(resolve => setTimeout(resolve, 500))
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(server.pid)], { encoding: 'utf8' })) / 1024
}
