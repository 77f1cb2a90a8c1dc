import { SETTINGS } from '../../config/settings.js'
import { StartError } from '../../config/start-error.js'
import { kindsOf, type OptionTexts, optionLines, readOptions } from '../parse-args.js'
import { DEFAULT_URL, serverUrl } from '../server-url.js'
import { timeOption } from '../time-option.js'

/** `hookonce events`, parsed. */
export type EventsCommand = EventsOptions | { name: 'events help' }

export interface EventsOptions {
  name: 'events'
  action: Action
  /** Of the server. */
  url: string
  source: string | undefined
  /** Keys or ids. */
  words: string[]
  which: 'kept' | 'failed' | 'refused'
  /** In ms since the epoch. */
  since: number | undefined
  until: number | undefined
  contains: string | undefined
  limit: number
  dryRun: boolean
  confirm: string | undefined
  json: boolean
}

export type Action = 'list' | 'show' | 'replay'

const OPTIONS: OptionTexts = {
  url: ['URL', `the server; default: ${DEFAULT_URL}`],
  source: ['NAME', 'deliveries of this source; default: default, for list every source'],
  failed: [null, 'those that failed and have no result yet'],
  refused: [null, 'those that were refused, with the likely reason'],
  since: ['TIME', 'at this time or later: 2030-01-31T12:00:00Z, or how long ago: 30m, 12h, 7d'],
  until: ['TIME', 'before this time'],
  contains: ['TEXT', 'whose body contains it'],
  limit: ['COUNT', 'the maximum of a list; default: 50'],
  'dry-run': [null, 'replay: only count them'],
  confirm: ['COUNT', 'replay this many, the number of a dry run, or all'],
  json: [null, 'JSON, for programs'],
  help: [null, 'this'],
}

/** What each action takes beside --url, --source, --since, --until, --contains and --json. */
const TAKES: Record<Action, { options: string[]; most: number }> = {
  list: { options: ['failed', 'refused', 'limit'], most: 0 },
  show: { options: ['refused'], most: 1 },
  replay: { options: ['dry-run', 'confirm'], most: 10_000 },
}
const COMMON = ['url', 'source', 'since', 'until', 'contains', 'json']

export function eventsHelp(): string {
  const lines = [
    'Usage: hookonce events list [--failed | --refused] [options]   deliveries that a running server keeps, newest first',
    '       hookonce events show ID [--refused] [options]           one of them in full',
    '       hookonce events replay KEY… [options]                   process failed ones again, under their keys',
    '       hookonce events replay --dry-run | --confirm COUNT      all that match',
    '',
    'A replay runs nothing that has a result: that is what it is answered.',
    `${SETTINGS.adminToken.env} or ${SETTINGS.adminToken.env}_FILE has the token, where the server asks for one.`,
    '',
  ]
  return [...lines, ...optionLines(OPTIONS)].join('\n')
}

/** @throws {StartError} */
export function parseEventsCommand(args: string[]): EventsCommand {
  const [first = ''] = args
  const isAction = Object.hasOwn(TAKES, first)
  const given = new Map<string, string>()
  const words: string[] = []
  for (const read of readOptions(isAction ? args.slice(1) : args, kindsOf(OPTIONS))) {
    if (read.option === undefined) words.push(read.word)
    else if (read.option === 'help') return { name: 'events help' }
    else given.set(read.option, read.value)
  }
  if (!isAction) throw new StartError('usage: hookonce events list, show or replay; see hookonce events --help')
  const action = first as Action
  check(action, given, words)
  const [since, until] = [given.get('since'), given.get('until')]
  return {
    name: 'events',
    action,
    url: serverUrl('--url', given.get('url')),
    source: given.get('source'),
    words,
    which: given.has('refused') ? 'refused' : given.has('failed') ? 'failed' : 'kept',
    since: since === undefined ? undefined : timeOption('--since', since),
    until: until === undefined ? undefined : timeOption('--until', until),
    contains: given.get('contains'),
    limit: Number(given.get('limit') ?? 50),
    dryRun: given.has('dry-run'),
    confirm: given.get('confirm'),
    json: given.has('json'),
  }
}

function check(action: Action, given: ReadonlyMap<string, string>, words: string[]): void {
  const { options, most } = TAKES[action]
  for (const option of given.keys()) {
    if (!options.includes(option) && !COMMON.includes(option)) {
      throw new StartError(`--${option} is not an option of hookonce events ${action}`)
    }
  }
  if (words.length > most) throw new StartError(`events ${action} does not take ${words.at(-1)}`)
  if (given.has('failed') && given.has('refused')) throw new StartError('--failed and --refused: keep one')
  if (action === 'show' && words.length === 0) throw new StartError('usage: hookonce events show ID')
  const limit = given.get('limit')
  if (limit !== undefined && !/^[1-9]\d{0,8}$/.test(limit)) {
    throw new StartError('--limit must be a whole number from 1')
  }
  if (action === 'replay') checkReplay(given, words)
}

function checkReplay(given: ReadonlyMap<string, string>, words: string[]): void {
  const confirm = given.get('confirm')
  if (confirm !== undefined && !/^(all|0|[1-9]\d{0,8})$/.test(confirm)) {
    throw new StartError('--confirm must be the number of a dry run, or all')
  }
  const many = ['since', 'until', 'contains', 'dry-run', 'confirm'].filter(option => given.has(option))
  if (words.length > 0 && many.length > 0) throw new StartError(`events replay: keys, or --${many[0]}: keep one`)
  if (words.length === 0 && confirm === undefined && !given.has('dry-run')) {
    throw new StartError('events replay needs keys, --dry-run or --confirm')
  }
  if (confirm !== undefined && given.has('dry-run')) throw new StartError('--dry-run and --confirm: keep one')
}
