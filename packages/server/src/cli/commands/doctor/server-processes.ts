import { version } from '../../../config/version.js'
import type { figuresJson, processJson } from '../../../operator/figures-json.js'
import { type Finding, fail, ok, warn } from './finding.js'
import { shortDuration } from './short-duration.js'

type Listed = ReturnType<typeof processJson>

/** `GET /api/processes`. */
export interface ListedProcesses {
  as_of: string
  processes: Listed[]
}

/** `GET /api/figures`. */
export type ListedFigures = ReturnType<typeof figuresJson>

export function processFindings({ as_of, processes }: ListedProcesses): Finding[] {
  const alive = processes.filter(({ alive }) => alive)
  const ago = ({ last_seen_at }: Listed) =>
    `seen ${shortDuration(Math.max(0, Date.parse(as_of) - Date.parse(last_seen_at!)))} ago`
  const shown = (process: Listed) => `${nameOf(process)}, ${ago(process)}`
  const silent = processes.filter(({ alive }) => !alive)
  return [
    alive.length === 0
      ? fail(
          'processes',
          'none says that it lives: signs of life cannot be written, or the clocks of server and store differ',
          'see the log of the server; let both clocks be set by NTP',
        )
      : ok('processes', `${alive.length} alive: ${listing(alive.map(shown))}`),
    ...silent.map(process =>
      warn('processes', `${shown(process)}: it was killed or hangs`, 'see its log; it is listed for ten minutes'),
    ),
    versions(alive),
    lost(alive),
  ]
}

export const nameOf = ({ role, pid, host }: Listed): string => `${role} ${pid} on ${host}`

const FEW = 5

/** The first of many. */
export const listing = (names: readonly string[]): string =>
  names.length <= FEW ? names.join('; ') : `${names.slice(0, FEW).join('; ')} and ${names.length - FEW} more`

function versions(alive: readonly Listed[]): Finding {
  const own = version()
  const others = alive.filter(({ version }) => version !== own)
  if (others.length === 0) return ok('versions', `all are of ${own}, as this command`)
  return warn(
    'versions',
    `this command is of ${own}; ${listing(others.map(process => `${nameOf(process)} of ${process.version}`))}`,
    'finish the upgrade, or use the command of the servers’ release',
  )
}

function lost(alive: readonly Listed[]): Finding {
  const check = 'what is kept for operators'
  const losing = alive.filter(({ lost_entries }) => (lost_entries ?? 0) > 0)
  if (losing.length > 0) {
    const shown = listing(losing.map(process => `${nameOf(process)}: ${process.lost_entries}`))
    return warn(
      check,
      `entries that could not be written since the start of their process: ${shown}`,
      'their log says why (what operators could look at later was not kept): the store failed, or there was too much',
    )
  }
  return alive.some(({ lost_entries }) => lost_entries === null)
    ? warn(check, 'a process of an earlier release does not say whether it is written', 'finish the upgrade')
    : ok(check, 'all of it is written')
}
