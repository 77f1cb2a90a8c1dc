import { type GivenSettings, readSecretFile } from '../config/environment.js'
import { defaultOf, flagOf, SETTING_NAMES, SETTINGS, type Setting, type SettingName } from '../config/settings.js'
import { StartError } from '../config/start-error.js'
import { version } from '../config/version.js'
import { storeCommandsHelp } from './commands/parse.js'
import { type EventsCommand, parseEventsCommand } from './events/options.js'
import { type InitCommand, parseInitCommand } from './init/options.js'
import { type ListenCommand, parseListenCommand } from './listen/options.js'
import { type OptionKinds, readOptions } from './parse-args.js'
import { parseSendCommand, type SendCommand } from './send-options.js'
import { parseTailCommand, type TailCommand } from './tail/options.js'
import { parseVerifyCommand, type VerifyCommand } from './verify-options.js'

export type Command =
  | { name: 'serve' | 'work'; given: GivenSettings; configFile: string | undefined }
  | SendCommand
  | InitCommand
  | TailCommand
  | ListenCommand
  | EventsCommand
  | VerifyCommand
  | { name: 'demo' }
  | { name: 'help' }
  | { name: 'version' }

const isSecret = (name: SettingName): boolean => (SETTINGS[name] as Setting).secret === true

export function parseCommandLine(args: string[]): Command {
  if (args[0] === 'demo') return parseDemoCommand(args.slice(1))
  if (args[0] === 'init') return parseInitCommand(args.slice(1))
  if (args[0] === 'send') return parseSendCommand(args.slice(1))
  if (args[0] === 'events') return parseEventsCommand(args.slice(1))
  if (args[0] === 'listen') return parseListenCommand(args.slice(1))
  if (args[0] === 'verify') return parseVerifyCommand(args.slice(1))
  if (args[0] === 'tail') return parseTailCommand(args.slice(1))
  const flags = new Map<string, SettingName>()
  for (const name of SETTING_NAMES) {
    flags.set(flagOf(name), name)
    if (isSecret(name)) flags.set(`${flagOf(name)}-file`, name)
  }
  const options: OptionKinds = {
    ...Object.fromEntries([...flags.keys()].map(flag => [flag, { type: 'string' as const }])),
    config: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
    version: { type: 'boolean', short: 'v' },
  }

  const given: GivenSettings = new Map()
  let configFile: string | undefined
  let command: 'serve' | 'work' | 'help' | 'version' = 'serve'
  for (const read of readOptions(args, options)) {
    if (read.option === undefined) {
      if (read.word !== 'serve' && read.word !== 'work') {
        throw new StartError(`unknown command ${read.word}; try hookonce --help`)
      }
      command = read.word
      continue
    }
    const { option, raw: where, value } = read
    if (option === 'help' || option === 'version') command = option
    else if (option === 'config') configFile = value
    else {
      const fromFile = option.endsWith('-file')
      given.set(flags.get(option)!, { value: fromFile ? readSecretFile(value, where) : value, where, fromFile })
    }
  }
  return command === 'serve' || command === 'work' ? { name: command, given, configFile } : { name: command }
}

function parseDemoCommand(args: string[]): Command {
  const [read] = readOptions(args, { help: { type: 'boolean', short: 'h' } })
  if (read === undefined) return { name: 'demo' }
  if (read.option === undefined) throw new StartError(`demo takes nothing, not ${read.word}`)
  return { name: 'help' }
}

export function help(): string {
  const lines = [
    `hookonce ${version()}: a webhook receiver with idempotency keys`,
    '',
    'Usage: hookonce [serve] [options]   receive deliveries, and process those that an inbox accepted',
    '       hookonce work [options]      only process accepted ones, beside servers with the same store',
    '       hookonce send [options]      deliver an event as a sender would; hookonce send --help',
    '       hookonce verify [options]    say whether a delivery is signed, and if not, why; hookonce verify --help',
    '       hookonce tail [options]      print each delivery of a running server; hookonce tail --help',
    '       hookonce listen [options]    copy its deliveries to this machine; hookonce listen --help',
    '       hookonce events [options]    list, show and replay what it keeps; hookonce events --help',
    '       hookonce demo                see duplicates and a crash handled, in half a minute',
    '       hookonce init [options]      write a config file; hookonce init --help',
    '',
    ...storeCommandsHelp(),
    '',
    'Precedence: flag, environment, config file, default.',
    '',
  ]
  for (const name of SETTING_NAMES) {
    const { env, meaning, allowed } = SETTINGS[name] as Setting
    const file = isSecret(name) ? ` (or --${flagOf(name)}-file, ${env}_FILE)` : ''
    lines.push(
      `  --${flagOf(name)} (${env})${file}`,
      `      ${meaning}`,
      `      ${allowed}; default: ${defaultOf(name)}`,
    )
  }
  lines.push(
    '  --config FILE',
    '      config file; default: hookonce.config.{mjs,js,ts} in the working folder, if there is one',
    '  -h, --help',
    '  -v, --version',
  )
  return lines.join('\n')
}
