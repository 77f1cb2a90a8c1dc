import { SETTINGS } from '../config/settings.js'
import { StartError } from '../config/start-error.js'
import { kindsOf, type OptionTexts, optionLines, readOptions } from './parse-args.js'
import { PUBLIC_URL, SECRET_TEXTS, type SenderOptions, senderOptions, sendersLine } from './sender-options.js'
import { timeOption } from './time-option.js'

/** `hookonce verify`, parsed. */
export type VerifyCommand = VerifyOptions | { name: 'verify help' }

export interface VerifyOptions extends SenderOptions {
  name: 'verify'
  sender: string
  headers: string
  /** `undefined`: it has none. */
  body: string | undefined
  path: string | undefined
  /** When it came, in ms since the epoch; `undefined`: now. */
  at: number | undefined
  json: boolean
}

const OPTIONS: OptionTexts = {
  sender: ['NAME', 'who is said to have signed it'],
  ...SECRET_TEXTS,
  headers: ['FILE', 'its headers, a line each: `Name: value`; a request line before them says method and path'],
  body: ['FILE', 'its body, byte for byte as it came; default: none'],
  path: ['PATH', 'path and query as it came, for senders that sign them; default: of the request line, else /'],
  [PUBLIC_URL]: ['URL', `the URL that the sender was told, as ${SETTINGS.publicUrl.env}`],
  at: ['TIME', 'when it came: 2030-01-31T12:00:00Z, or how long ago: 30m, 12h, 7d; default: now'],
  json: [null, 'JSON, for programs'],
  help: [null, 'this'],
}

export function verifyHelp(): string {
  const lines = [
    'Usage: hookonce verify --sender NAME --headers FILE [--body FILE] [options]',
    '',
    'Says whether a delivery is signed by its sender with this secret, and if not, why. The exit code is 0 if it is, else 1.',
    `The secret is --secret, --secret-file, ${SETTINGS.secret.env} or ${SETTINGS.secret.env}_FILE. Nothing is sent anywhere.`,
    '',
    sendersLine(),
    '',
  ]
  return [...lines, ...optionLines(OPTIONS)].join('\n')
}

/** @throws {StartError} */
export function parseVerifyCommand(args: string[]): VerifyCommand {
  const given = new Map<string, string>()
  for (const read of readOptions(args, kindsOf(OPTIONS))) {
    if (read.option === undefined) throw new StartError(`verify takes options only, not ${read.word}`)
    if (read.option === 'help') return { name: 'verify help' }
    given.set(read.option, read.value)
  }
  const [sender, headers, at] = [given.get('sender'), given.get('headers'), given.get('at')]
  if (sender === undefined || headers === undefined) {
    throw new StartError('usage: hookonce verify --sender NAME --headers FILE [--body FILE]')
  }
  return {
    name: 'verify',
    ...senderOptions(given),
    sender,
    headers,
    body: given.get('body'),
    path: given.get('path'),
    at: at === undefined ? undefined : timeOption('--at', at),
    json: given.has('json'),
  }
}
