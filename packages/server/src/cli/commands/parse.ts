import { didYouMean } from '../../config/did-you-mean.js'
import { SETTINGS } from '../../config/settings.js'
import { StartError } from '../../config/start-error.js'

/** A store command with its arguments. */
export interface StoreCommand {
  name: StoreCommandName
  /** Its positional arguments, e.g. idempotency keys. */
  words: string[]
  options: ReadonlyMap<string, string>
  /** The other arguments: settings. */
  settings: string[]
}

export type StoreCommandName = keyof typeof COMMANDS

interface Description {
  usage: string
  does: string
  options: string[]
  /** The number of words that it takes. */
  words: [least: number, most: number]
}

const FILTERS = ['source', 'state', 'label', 'type', 'key-prefix', 'term', 'error', 'since', 'until'] as const

const COMMANDS = {
  'records list': {
    usage: 'records list',
    does: 'list records',
    options: [...FILTERS, 'limit', 'after', 'json'],
    words: [0, 0],
  },
  'records show': {
    usage: 'records show KEY',
    does: 'show a record in full',
    options: ['source', 'json'],
    words: [1, 1],
  },
  'records delete': {
    usage: 'records delete KEY…',
    does: 'delete records: the next delivery of their key runs again',
    options: ['source', 'force', 'json'],
    words: [1, 10_000],
  },
  'records redrive': {
    usage: 'records redrive KEY… | --dead',
    does: 'redrive dead deliveries',
    options: ['source', 'completed', 'waiting', 'dead', 'error', 'limit', 'dry-run', 'confirm', 'json'],
    words: [0, 10_000],
  },
  stats: { usage: 'stats', does: 'count records by source and state', options: ['json'], words: [0, 0] },
  doctor: {
    usage: 'doctor',
    does: 'check the store and the settings, with --url also a running server',
    options: ['url', 'json'],
    words: [0, 0],
  },
} as const satisfies Record<string, Description>

/** By name: the value, if there is one, and the meaning. */
const OPTIONS: Record<string, { value?: string; means: string }> = {
  source: { value: 'NAME', means: 'the source; default: default, for list and --dead every source' },
  state: { value: 'STATE', means: 'pending, running, completed, failed or dead' },
  label: { value: 'LABEL', means: 'records with this label of the sender, e.g. a GUID of GitHub’s' },
  type: { value: 'TYPE', means: 'events whose type begins with it, e.g. invoice.' },
  'key-prefix': { value: 'TEXT', means: 'whose key begins with it' },
  term: { value: 'TERM', means: 'with this term, which `index` of their source made' },
  since: { value: 'TIME', means: 'first attempted at this time or later: 2030-01-31T12:00:00Z, or how long ago: 12h' },
  until: { value: 'TIME', means: 'first attempted before this time' },
  limit: { value: 'COUNT', means: 'the maximum; default: 50, for --dead all' },
  after: { value: 'NEXT', means: 'continue after another page' },
  force: { means: 'also while an attempt runs; its result is then refused' },
  completed: { means: 'also a completed delivery: it is processed again' },
  waiting: { means: 'also a delivery that waits for its next attempt: that is due at once' },
  dead: { means: 'every dead delivery' },
  error: { value: 'TEXT', means: 'those whose last error contains it' },
  'dry-run': { means: 'only count them, with --dead' },
  confirm: { value: 'COUNT', means: 'redrive this many, the number of a dry run, or all' },
  url: { value: 'URL', means: `a running server; ${SETTINGS.adminToken.env} has the token, where it asks for one` },
  json: { means: 'JSON, for programs' },
}

/** The name of the store command; `undefined`: it is another command. */
export function storeCommandIn(args: readonly string[]): StoreCommandName | undefined {
  if (args[0] !== 'records') return args[0] === 'stats' || args[0] === 'doctor' ? args[0] : undefined
  const name = `records ${args[1] ?? ''}`
  if (Object.hasOwn(COMMANDS, name)) return name as StoreCommandName
  const known = Object.keys(COMMANDS).filter(command => command.startsWith('records '))
  throw new StartError(`unknown command ${name.trim()}; there are: ${known.join(', ')}`)
}

/** @throws {StartError} */
export function parseStoreCommand(name: StoreCommandName, args: readonly string[]): StoreCommand {
  const own: readonly string[] = COMMANDS[name].options
  const words: string[] = []
  const options = new Map<string, string>()
  const settings: string[] = []
  const left = args.slice(name.split(' ').length)
  for (let arg = left.shift(); arg !== undefined; arg = left.shift()) {
    if (arg === '--') {
      words.push(...left.splice(0))
    } else if (!arg.startsWith('-')) {
      words.push(arg)
    } else {
      const [flag, inline] = splitOnce(arg)
      const option = flag.replace(/^--/, '')
      if (!own.includes(option)) {
        // A setting; every setting takes a value.
        if (Object.hasOwn(OPTIONS, option)) throw new StartError(`${flag} is not an option of hookonce ${name}`)
        settings.push(arg)
        if (inline === undefined && left[0] !== undefined && !left[0].startsWith('-')) settings.push(left.shift()!)
      } else if (OPTIONS[option]!.value === undefined) {
        options.set(option, '')
      } else {
        const value = inline ?? left.shift()
        if (value === undefined) throw new StartError(`${flag} needs a value`)
        options.set(option, value)
      }
    }
  }
  const [least, most] = COMMANDS[name].words
  if (words.length < least || words.length > most) throw new StartError(`usage: hookonce ${COMMANDS[name].usage}`)
  const limit = options.get('limit')
  if (limit !== undefined && !/^[1-9]\d{0,8}$/.test(limit))
    throw new StartError('--limit must be a whole number from 1')
  checkState(options.get('state'))
  if (name === 'records redrive' && options.has('dead') === words.length > 0) {
    throw new StartError('usage: hookonce records redrive KEY…, or --dead for every dead delivery')
  }
  const confirm = options.get('confirm')
  if (confirm !== undefined && !/^(all|0|[1-9]\d{0,8})$/.test(confirm)) {
    throw new StartError('--confirm must be the number of a dry run, or all')
  }
  if (confirm !== undefined && options.has('dry-run')) throw new StartError('--dry-run and --confirm: keep one')
  for (const option of ['error', 'limit', 'dry-run', 'confirm']) {
    if (name === 'records redrive' && options.has(option) && !options.has('dead')) {
      throw new StartError(`--${option} needs --dead`)
    }
  }
  for (const option of ['completed', 'waiting']) {
    if (options.has('dead') && options.has(option)) throw new StartError(`--${option} needs keys, not --dead`)
  }
  return { name, words, options, settings }
}

const STATES = ['pending', 'running', 'completed', 'failed', 'dead']

function checkState(state: string | undefined): void {
  if (state !== undefined && !STATES.includes(state)) {
    throw new StartError(`--state must be one of: ${STATES.join(', ')}${didYouMean(state, STATES)}`)
  }
}

function splitOnce(arg: string): [flag: string, inline: string | undefined] {
  const at = arg.indexOf('=')
  return at < 0 ? [arg, undefined] : [arg.slice(0, at), arg.slice(at + 1)]
}

/** For `--help`. */
export function storeCommandsHelp(): string[] {
  const lines = ['Commands on the store, with the same settings, whether a server runs or not:']
  for (const { usage, does, options } of Object.values(COMMANDS)) {
    const given = options.map(option => {
      const { value } = OPTIONS[option]!
      return `[--${option}${value === undefined ? '' : ` ${value}`}]`
    })
    lines.push(`  hookonce ${usage} ${given.join(' ')}`, `      ${does}`)
  }
  for (const [option, { means }] of Object.entries(OPTIONS)) lines.push(`  --${option}: ${means}`)
  return lines
}
