import { execFileSync } from 'node:child_process'
import type { ServerProcess } from './server.js'
import { until } from './until.js'

/** The resident memory, in MiB. */
export function residentMiB(server: ServerProcess): number {
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(server.pid)], { encoding: 'utf8' })) / 1024
}

/** The resident memory once it has not fallen for a while. */
export async function settledMiB(server: ServerProcess): Promise<number> {
  let lowest = residentMiB(server)
  let since = performance.now()
  await until(
    'the resident memory has settled',
    () => {
      const now = residentMiB(server)
      if (now < lowest - 1) {
        lowest = now
        since = performance.now()
      }
      return performance.now() - since > 5_000
    },
    60_000,
  )
  return lowest
}
