import { SENDERS } from 'hookonce/senders'
import { didYouMean } from '../config/did-you-mean.js'
import { StartError } from '../config/start-error.js'
import { kindsOf, type OptionTexts, optionLines, readOptions } from './parse-args.js'
import { PUBLIC_URL, SECRET_TEXTS, type SenderOptions, senderOptions, sendersLine, urlOf } from './sender-options.js'

/** `hookonce send`, parsed. */
export type SendCommand = SendOptions | { name: 'send help' }

/** Without a sender the event is not signed. */
export interface SendOptions extends SenderOptions {
  name: 'send'
  /** One of the types of that sender's examples. */
  event: string | undefined
  url: string
  file: string | undefined
  id: string | undefined
  times: number
  concurrent: boolean
  tamper: boolean
  json: boolean
}

const DEFAULT_URL = 'http://localhost:8000/webhook'
const MAX_TIMES = 10_000

/** By name: the value, if there is one, and the meaning. */
const OPTIONS: OptionTexts = {
  sender: ['NAME', 'the sender that signs it; default: none, with the id in X-Idempotency-Key'],
  event: ['TYPE', 'which of the examples of that sender; default: its first'],
  ...SECRET_TEXTS,
  url: ['URL', `the receiver; default: ${DEFAULT_URL}`],
  [PUBLIC_URL]: ['URL', 'the URL that is signed, for senders that sign it; default: --url'],
  file: ['FILE', 'the file of the body; default: the example'],
  id: ['ID', 'the id of the event, in a header or in the example; default: a new one'],
  times: ['COUNT', 'deliver the event this often, signed each time; default: 1'],
  concurrent: [null, 'send them all at once'],
  tamper: [null, 'change the body after signing: every answer should be 401'],
  json: [null, 'print a line of JSON for each answer'],
  help: [null, 'this'],
}

export function sendHelp(): string {
  const lines = [
    'Usage: hookonce send [options]',
    '',
    'Delivers an event as its sender would, and prints the answers. The exit code is 0 if every answer is 2xx (with',
    '--tamper: 401), otherwise 1.',
    '',
    sendersLine(),
    '',
  ]
  return [...lines, ...optionLines(OPTIONS)].join('\n')
}

/** @throws {StartError} */
export function parseSendCommand(args: string[]): SendCommand {
  const given = new Map<string, string>()
  for (const read of readOptions(args, kindsOf(OPTIONS))) {
    if (read.option === undefined) throw new StartError(`send takes options only, not ${read.word}`)
    if (read.option === 'help') return { name: 'send help' }
    given.set(read.option, read.value)
  }
  const options = senderOptions(given)
  const { sender } = options
  for (const option of ['secret', 'secret-file', 'tamper', 'event', PUBLIC_URL]) {
    if (sender === undefined && given.has(option)) throw new StartError(`--${option} needs --sender`)
  }
  const times = given.get('times') ?? '1'
  if (!/^[1-9]\d{0,4}$/.test(times) || Number(times) > MAX_TIMES) {
    throw new StartError(`--times must be a whole number from 1 to ${MAX_TIMES}, not ${times}`)
  }
  return {
    name: 'send',
    ...options,
    event: eventOf(sender, given.get('event')),
    url: urlOf(given, 'url') ?? DEFAULT_URL,
    file: given.get('file'),
    id: given.get('id'),
    times: Number(times),
    concurrent: given.has('concurrent'),
    tamper: given.has('tamper'),
    json: given.has('json'),
  }
}

function eventOf(sender: string | undefined, type: string | undefined): string | undefined {
  if (sender === undefined || type === undefined) return undefined
  const types = SENDERS.get(sender)!
    .examples({ id: '', now: 0 })
    .map(example => example.type)
  if (types.includes(type)) return type
  throw new StartError(`--event must be one of: ${types.join(', ')}, not ${type}${didYouMean(type, types)}`)
}
