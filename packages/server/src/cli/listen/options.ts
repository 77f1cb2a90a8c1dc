import * as v from 'valibot'
import { KINDS } from '../../config/kinds.js'
import { SETTINGS } from '../../config/settings.js'
import { StartError } from '../../config/start-error.js'
import { kindsOf, type OptionTexts, optionLines, readOptions } from '../parse-args.js'
import { DEFAULT_URL, serverUrl } from '../server-url.js'
import { timeOption } from '../time-option.js'

/** `hookonce listen`, parsed. */
export type ListenCommand = ListenOptions | { name: 'listen help' }

export interface ListenOptions {
  name: 'listen'
  /** The server whose deliveries are copied. */
  from: string
  /** Where copies are sent to. */
  forwardTo: string | undefined
  /** `undefined`: every source. */
  source: string | undefined
  /** In ms since the epoch; `undefined`: what comes from now on. */
  since: number | undefined
  /** Part of the body. */
  contains: string | undefined
  /** A folder for copies as files. */
  record: string | undefined
  /** A file that says how far a listener came. */
  state: string | undefined
  /** Ends when all that is there is copied. */
  once: boolean
  json: boolean
}

const OPTIONS: OptionTexts = {
  from: ['URL', `the server whose deliveries are copied; default: ${DEFAULT_URL}`],
  'forward-to': ['URL', 'the application that gets the copies, e.g. localhost:3000/hooks'],
  source: ['NAME', 'deliveries of this source only'],
  since: ['TIME', 'from the past: 2030-01-31T12:00:00Z, or how long ago: 30m, 12h, 7d; default: from now on'],
  contains: ['TEXT', 'deliveries whose body contains it'],
  record: ['FOLDER', 'write each copy to a file of JSON, for tests'],
  state: ['FILE', 'keep in it how far the copies came, and go on from there the next time'],
  once: [null, 'end when all that is there is copied; with --since'],
  json: [null, 'print each copy as a line of JSON'],
  help: [null, 'this'],
}

export function listenHelp(): string {
  const lines = [
    'Usage: hookonce listen --from URL [--forward-to URL] [options]',
    '',
    'Copies the deliveries of a running server to this machine, from now on or from the past, until Ctrl+C. The server',
    'goes on as before: nothing is taken away, no record changes. Copied is what a source keeps: an inbox all that it',
    `accepted, other sources what failed, or with ${SETTINGS.recordDelivery.env}=all everything. Headers that contain secrets`,
    `or are redacted are not copied. ${SETTINGS.adminToken.env} or ${SETTINGS.adminToken.env}_FILE has the server's token.`,
    '',
  ]
  return [...lines, ...optionLines(OPTIONS)].join('\n')
}

/** @throws {StartError} */
export function parseListenCommand(args: string[]): ListenCommand {
  const given = new Map<string, string>()
  for (const read of readOptions(args, kindsOf(OPTIONS))) {
    if (read.option === undefined) throw new StartError(`listen takes options only, not ${read.word}`)
    if (read.option === 'help') return { name: 'listen help' }
    given.set(read.option, read.value)
  }
  const since = given.get('since')
  if (given.has('once') && since === undefined) throw new StartError('--once needs --since')
  const forwardTo = given.get('forward-to')
  return {
    name: 'listen',
    from: serverUrl('--from', given.get('from')),
    forwardTo: forwardTo === undefined ? undefined : applicationUrl(forwardTo),
    source: given.get('source'),
    since: since === undefined ? undefined : timeOption('--since', since),
    contains: given.get('contains'),
    record: given.get('record'),
    state: given.get('state'),
    once: given.has('once'),
    json: given.has('json'),
  }
}

/** `localhost:3000` is a URL too. */
function applicationUrl(given: string): string {
  const url = given.includes('://') ? given : `http://${given}`
  if (!v.is(KINDS.forwardTo.schema, url)) throw new StartError(`--forward-to ${KINDS.forwardTo.allowed}`)
  return url
}
