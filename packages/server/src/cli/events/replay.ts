import { Progress, print, printJson } from '../commands/print.js'
import type { ExitCode } from '../exit-code.js'
import type { ServerApi } from '../server-api.js'
import type { EventsOptions } from './options.js'
import { pagesOf } from './pages.js'

interface Replayed {
  key: string
  /** Of its answer now; `null`: it was not replayed. */
  status: number | null
  reason?: string | undefined
}

/** Replays deliveries that failed: those that are named, or those that match once their number is confirmed. */
export async function replay(api: ServerApi, options: EventsOptions): Promise<ExitCode> {
  const { words, source = 'default', confirm, json } = options
  const keys = words.length > 0 ? words : await matching(api, options, source)
  if (words.length === 0 && confirm !== 'all' && confirm !== String(keys.length))
    return unconfirmed(keys.length, options)
  const replayed: Replayed[] = []
  const progress = new Progress()
  for (const key of keys) {
    replayed.push(await replayOne(api, source, key))
    progress.update(`${replayed.length} of ${keys.length} replayed`)
  }
  progress.end()
  const failed = replayed.filter(({ status }) => status === null || status >= 300)
  if (json) printJson({ replayed: replayed.length, succeeded: replayed.length - failed.length, failed })
  else {
    for (const { key, status, reason } of failed)
      print(`${status ?? '-'}  ${key}${reason === undefined ? '' : `  (${reason})`}`)
    print(`${replayed.length} replayed, ${replayed.length - failed.length} have a result, ${failed.length} have none`)
  }
  return failed.length === 0 ? 0 : 1
}

async function replayOne(api: ServerApi, source: string, key: string): Promise<Replayed> {
  const response = await api.ask('POST', 'api/failed/replay', { source, key })
  const { status, detail } = (await response.json()) as { status: number; detail?: string }
  return response.ok ? { key, status } : { key, status: null, reason: detail }
}

async function matching(api: ServerApi, options: EventsOptions, source: string): Promise<string[]> {
  const keys: string[] = []
  const progress = new Progress()
  for await (const { found, looked } of pagesOf(api, { ...options, which: 'failed' }, source)) {
    keys.push(...found.map(({ key }) => key!))
    progress.update(`${looked} looked at, ${keys.length} match`)
  }
  progress.end()
  return keys
}

function unconfirmed(count: number, { json, dryRun }: EventsOptions): ExitCode {
  if (json) printJson({ would_replay: count })
  else print(`${count} would be replayed, none has been: add --confirm ${count}, or --confirm all`)
  return dryRun ? 0 : 1
}
