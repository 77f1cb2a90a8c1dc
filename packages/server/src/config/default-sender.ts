import { ConfigurationError } from 'hookonce'
import { SENDERS, type Sender, type SenderKind, type SenderOptions } from 'hookonce/senders'
import type { Given } from './environment.js'
import { secretsOf } from './secrets.js'
import { SETTINGS, type SettingName, type Settings } from './settings.js'
import { StartError } from './start-error.js'

/** The settings that say nothing without a sender. */
const ABOUT_SENDER = ['secret', 'publicUrl', 'verifyToken'] as const

type AboutSender = (typeof ABOUT_SENDER)[number]

/** The sender that the settings alone tell of. @throws {StartError} naming the setting, never the secret */
export function defaultSender(
  settings: Settings,
  sourceOf: (name: SettingName) => Given | undefined,
): Sender | undefined {
  const where = (name: SettingName) => sourceOf(name)?.where ?? SETTINGS[name].env
  const { sender: name, secret, publicUrl, verifyToken } = settings
  if (name === undefined) {
    const alone = ABOUT_SENDER.find(each => settings[each] !== undefined)
    if (alone !== undefined) throw new StartError(`${where(alone)} needs ${SETTINGS.sender.env}`)
    return undefined
  }
  if (secret === undefined) {
    throw new StartError(`${where('sender')} needs ${SETTINGS.secret.env} or ${SETTINGS.secret.env}_FILE`)
  }
  const options = {
    secrets: secretsOf({ ...sourceOf('secret'), where: where('secret') }, secret),
    ...(publicUrl !== undefined && { publicUrl }),
    ...(verifyToken !== undefined && { verifyToken }),
  }
  return senderOf(SENDERS.get(name)!, options, where)
}

/** @throws {StartError} in the words of the options' settings */
export function senderOf(kind: SenderKind, options: SenderOptions, where: (name: AboutSender) => string): Sender {
  try {
    return kind.create(options)
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    throw new StartError(`${where(aboutWhich(error.message))}: ${withoutSecrets(error.message, options)}`)
  }
}

/** Senders speak of what they were made of in words of their own. */
function aboutWhich(message: string): AboutSender {
  if (/\bURL\b|publicUrl/.test(message)) return 'publicUrl'
  return /verify ?token/i.test(message) ? 'verifyToken' : 'secret'
}

/** Shorter ones could be parts of any word. */
const LEAST_HIDDEN = 4

/** A message may quote what it is about. */
function withoutSecrets(message: string, { secrets, verifyToken = '' }: SenderOptions): string {
  const line = message.split('\n', 1)[0]!
  return [...secrets, verifyToken]
    .filter(secret => secret.length >= LEAST_HIDDEN)
    .reduce((text, secret) => text.replaceAll(secret, '…'), line)
}
