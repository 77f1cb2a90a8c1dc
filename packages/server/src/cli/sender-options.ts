import { SENDERS } from 'hookonce/senders'
import * as v from 'valibot'
import { type DefaultSender, defaultSender } from '../config/default-sender.js'
import { didYouMean } from '../config/did-you-mean.js'
import { type Given, readSecret, readSecretFile } from '../config/environment.js'
import { KINDS } from '../config/kinds.js'
import { onTheCommandLine } from '../config/secret-warnings.js'
import { flagOf, SETTINGS } from '../config/settings.js'
import { StartError } from '../config/start-error.js'
import type { OptionTexts } from './parse-args.js'

export interface SenderOptions {
  /** One of {@link SENDERS}. */
  sender: string | undefined
  secret: (Given & { value: string }) | undefined
  publicUrl: string | undefined
}

export const PUBLIC_URL = flagOf('publicUrl')

export const SECRET_TEXTS: OptionTexts = {
  secret: ['SECRET', `the secret of that sender; better in ${SETTINGS.secret.env}, which other users cannot read`],
  'secret-file': ['FILE', `a file with the secret, as ${SETTINGS.secret.env}_FILE`],
}

export const sendersLine = (): string => `Senders: ${[...SENDERS.keys()].join(', ')}`

/** @throws {StartError} */
export function senderOptions(given: ReadonlyMap<string, string>): SenderOptions {
  const sender = given.get('sender')
  if (given.has('secret') && given.has('secret-file')) {
    throw new StartError('--secret and --secret-file are both given; keep one')
  }
  if (sender !== undefined && !SENDERS.has(sender)) {
    const known = [...SENDERS.keys()]
    throw new StartError(`--sender must be one of: ${known.join(', ')}, not ${sender}${didYouMean(sender, known)}`)
  }
  return { sender, secret: secretIn(given), publicUrl: urlOf(given, PUBLIC_URL) }
}

function secretIn(given: ReadonlyMap<string, string>): SenderOptions['secret'] {
  const [value, path] = [given.get('secret'), given.get('secret-file')]
  if (value !== undefined) return { value, where: '--secret' }
  if (path === undefined) return undefined
  return { value: readSecretFile(path, '--secret-file'), where: '--secret-file', fromFile: true }
}

/** @throws {StartError} it is no http:// or https:// URL */
export function urlOf(given: ReadonlyMap<string, string>, option: string): string | undefined {
  const url = given.get(option)
  if (url !== undefined && !v.is(KINDS.forwardTo.schema, url)) {
    throw new StartError(`--${option} ${KINDS.forwardTo.allowed}`)
  }
  return url
}

/** The sender with its secret, of the options or of the environment. Warns of one on the command line. @throws {StartError} */
export function senderWithSecret(
  { sender, secret, publicUrl }: SenderOptions & { sender: string },
  env: NodeJS.ProcessEnv,
): DefaultSender {
  const variable = SETTINGS.secret.env
  const given = secret ?? readSecret(env, variable)
  if (given === undefined)
    throw new StartError(`--sender needs --secret, --secret-file, ${variable} or ${variable}_FILE`)
  // Some senders cannot be created without a verify token, which these commands do not use.
  const verifyToken = readSecret(env, SETTINGS.verifyToken.env)?.value ?? 'none'
  const settings = { sender, secret: given.value, verifyToken, ...(publicUrl !== undefined && { publicUrl }) }
  const made = defaultSender(settings, name => (name === 'secret' ? given : undefined))!
  if (given.where === '--secret') {
    const { message, fix } = onTheCommandLine(given.where, `${variable} or ${variable}_FILE`)
    process.stderr.write(`hookonce: ${message}; ${fix}\n`)
  }
  return made
}
