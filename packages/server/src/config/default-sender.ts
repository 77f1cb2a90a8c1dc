import { ConfigurationError } from 'hookonce'
import { SENDERS, type Sender, type SenderKind, type SenderOptions } from 'hookonce/senders'
import type { Given } from './environment.js'
import { secretsOf } from './secrets.js'
import { SETTINGS, type SettingName, type Settings } from './settings.js'
import { StartError } from './start-error.js'

/** Settings that need a sender. */
const SENDER_SETTINGS = ['secret', 'publicUrl', 'verifyToken'] as const

type SenderSetting = (typeof SENDER_SETTINGS)[number]

/** The sender of the settings, and those of other schemes with its secrets. */
export interface DefaultSender {
  sender: Sender
  /** To find out which scheme a delivery is signed by. */
  otherSchemes(): Sender[]
}

/** @throws {StartError} names the setting, never the secret */
export function defaultSender(
  settings: Settings,
  sourceOf: (name: SettingName) => Given | undefined,
): DefaultSender | undefined {
  const where = (name: SettingName) => sourceOf(name)?.where ?? SETTINGS[name].env
  const { sender: name, secret, publicUrl, verifyToken } = settings
  if (name === undefined) {
    const alone = SENDER_SETTINGS.find(each => settings[each] !== undefined)
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
  let schemes: Sender[] | undefined
  return {
    sender: senderOf(SENDERS.get(name)!, options, where),
    otherSchemes: () => {
      schemes ??= [...SENDERS.values()].flatMap(kind => (kind.facts.name === name ? [] : created(kind, options)))
      return schemes
    },
  }
}

/** Not all kinds take secrets of this form. */
function created(kind: SenderKind, options: SenderOptions): Sender[] {
  try {
    return [kind.create(options)]
  } catch {
    return []
  }
}

/** @throws {StartError} names the setting of the option */
function senderOf(kind: SenderKind, options: SenderOptions, where: (name: SenderSetting) => string): Sender {
  try {
    return kind.create(options)
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    throw new StartError(`${where(settingOf(error.message))}: ${withoutSecrets(error.message, options)}`)
  }
}

/** The setting that the message of a sender is about. */
function settingOf(message: string): SenderSetting {
  if (/\bURL\b|publicUrl/.test(message)) return 'publicUrl'
  return /verify ?token/i.test(message) ? 'verifyToken' : 'secret'
}

/** A shorter secret may be part of any word. */
const MIN_HIDDEN = 4

/** A message may quote a secret. */
function withoutSecrets(message: string, { secrets, verifyToken = '' }: SenderOptions): string {
  const line = message.split('\n', 1)[0]!
  return [...secrets, verifyToken]
    .filter(secret => secret.length >= MIN_HIDDEN)
    .reduce((text, secret) => text.replaceAll(secret, '…'), line)
}
