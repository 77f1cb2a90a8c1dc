import { SENDERS } from 'hookonce/senders'
import { didYouMean } from '../../config/did-you-mean.js'
import { isHttpUrl } from '../../config/kinds.js'
import { StartError } from '../../config/start-error.js'
import { kindsOf, type OptionTexts, optionLines, readOptions } from '../parse-args.js'
import { type Choices, MODES, STORES } from './choices.js'

/** `hookonce init`, parsed. */
export type InitCommand = InitOptions | { name: 'init help' }

export interface InitOptions {
  name: 'init'
  /** What was said; the rest is asked, or has its default. */
  given: Partial<Choices>
  /** Overwrite a config file. */
  force: boolean
  /** Ask nothing. */
  yes: boolean
}

/** By name: the value, if there is one, and the meaning. */
const OPTIONS: OptionTexts = {
  sender: ['NAME', 'who delivers; several: --sender stripe --sender github; default: anybody'],
  mode: [
    'MODE',
    'inline: a delivery is answered with its result; inbox: acknowledged at once, worked on later; default: inline',
  ],
  store: ['STORE', `${STORES.join(', ')}; default: sqlite`],
  forward: ['URL', 'the application that deliveries are forwarded to; default: they are acknowledged'],
  force: [null, 'overwrite the config file that is there'],
  yes: [null, 'ask nothing'],
  help: [null, 'this'],
}

export function initHelp(): string {
  const lines = [
    'Usage: hookonce init [options]',
    '',
    'Writes hookonce.config.ts into the working folder, with comments. At a terminal it asks what no option says. Secrets stay',
    'in the environment: the file names the variables.',
    '',
    `Senders: ${[...SENDERS.keys()].join(', ')}`,
    '',
  ]
  return [...lines, ...optionLines(OPTIONS)].join('\n')
}

/** @throws {StartError} */
export function parseInitCommand(args: string[]): InitCommand {
  const given: Partial<Choices> = {}
  const command: InitOptions = { name: 'init', given, force: false, yes: false }
  for (const { option, ...read } of readOptions(args, kindsOf(OPTIONS))) {
    if (option === undefined) throw new StartError(`init takes options only, not ${(read as { word: string }).word}`)
    const { value } = read as { value: string }
    if (option === 'help') return { name: 'init help' }
    if (option === 'force' || option === 'yes') command[option] = true
    else if (option === 'sender')
      given.senders = [...new Set([...(given.senders ?? []), known(option, value, [...SENDERS.keys()])])]
    else if (option === 'mode') given.mode = known(option, value, MODES)
    else if (option === 'store') given.store = known(option, value, STORES)
    else {
      const fault = forwardFault(value)
      if (fault !== undefined) throw new StartError(`--forward ${fault}`)
      given.forward = value
    }
  }
  return command
}

function known<const T extends string>(option: string, value: string, values: readonly T[]): T {
  const found = values.find(each => each === value)
  if (found !== undefined) return found
  throw new StartError(`--${option} must be one of: ${values.join(', ')}, not ${value}${didYouMean(value, values)}`)
}

/** Why an address cannot be written into a config file; `undefined`: it can. */
export function forwardFault(url: string): string | undefined {
  if (!isHttpUrl(url)) return 'must be an http:// or https:// URL without a fragment'
  const { username, password } = new URL(url)
  if (username + password === '') return undefined
  return 'has a password, and a config file holds none: leave it out, and set HOOKONCE_FORWARD_TO'
}
