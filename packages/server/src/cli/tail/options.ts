import { SETTINGS } from '../../config/settings.js'
import { StartError } from '../../config/start-error.js'
import { kindsOf, type OptionTexts, optionLines, readOptions } from '../parse-args.js'
import { DEFAULT_URL, serverUrl } from '../server-url.js'

/** `hookonce tail`, parsed. */
export type TailCommand = TailOptions | { name: 'tail help' }

export interface TailOptions {
  name: 'tail'
  /** Of the server. */
  url: string
  source: string | undefined
  /** Only what did not go well. */
  problems: boolean
  json: boolean
}

/** By name: the value, if there is one, and the meaning. */
const OPTIONS: OptionTexts = {
  url: ['URL', `the server; default: ${DEFAULT_URL}`],
  source: ['NAME', 'deliveries of this source only'],
  problems: [null, 'only what was refused or failed'],
  json: [null, 'print a line of JSON for each delivery'],
  help: [null, 'this'],
}

export function tailHelp(): string {
  const lines = [
    'Usage: hookonce tail [options]',
    '',
    'Prints each delivery that a running server answers, until Ctrl+C; comes back by itself when the server does.',
    `${SETTINGS.adminToken.env} or ${SETTINGS.adminToken.env}_FILE has the token, where the server asks for one.`,
    '',
  ]
  return [...lines, ...optionLines(OPTIONS)].join('\n')
}

/** @throws {StartError} */
export function parseTailCommand(args: string[]): TailCommand {
  const given = new Map<string, string>()
  for (const read of readOptions(args, kindsOf(OPTIONS))) {
    if (read.option === undefined) throw new StartError(`tail takes options only, not ${read.word}`)
    if (read.option === 'help') return { name: 'tail help' }
    given.set(read.option, read.value)
  }
  const url = serverUrl('--url', given.get('url'))
  return { name: 'tail', url, source: given.get('source'), problems: given.has('problems'), json: given.has('json') }
}
