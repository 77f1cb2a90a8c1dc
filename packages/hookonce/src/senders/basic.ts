import { ConfigurationError } from '../errors.js'
import { authorization } from './primitives/authorization.js'
import { jsonExample } from './primitives/examples.js'
import type { KeyPlace } from './primitives/key-place.js'
import { aKeyPlace, checkSender } from './primitives/sender-options.js'
import { tokenKey } from './primitives/signing-keys.js'
import { defineSender, type Sender, type SenderKind } from './sender.js'

export const BASIC: SenderKind = {
  facts: {
    name: 'basic',
    title: 'A sender with a name and a password',
    secret: 'what you and the sender agreed on: `name:password`',
    signature: 'none: `Authorization: Basic …` (RFC 7617) says who sends, and nothing of what is sent',
    key: 'the header `Idempotency-Key`; in code another header, or a field of the body. Nothing is signed',
    redelivery: 'it must keep the header or field that is the key',
    deadlineMs: null,
    retryHorizonMs: null,
    retries: 'the sender’s own',
    success: 'any 2xx, unless the sender has it otherwise',
    pitfalls: [
      'Content, key and time are not protected. Who sees one delivery has the password, and can send whatever they like under any key.',
      'Only over TLS, and kept out of the logs of what is on the way.',
    ],
    pages: ['https://www.rfc-editor.org/rfc/rfc7617'],
  },
  create: ({ secrets }) => basic({ credentials: secrets }),
  examples: ({ id, now }) => [
    jsonExample('order.paid', { id, type: 'order.paid', created: new Date(now).toISOString(), data: { order: 1 } }),
  ],
}

export interface BasicOptions {
  /** `name:password`, as UTF-8. */
  credentials: readonly string[]
  /** Where the key is. Default: the standards' headers. */
  key?: KeyPlace
}

/**
 * A password authenticates the sender and protects neither content, key nor time: a captured delivery shows it, and
 * allows any other delivery. Prefer a signature if the sender supports one.
 *
 * @example
 * receiver.source({ name: 'partner', sender: basic({ credentials: [`partner:${process.env.PARTNER_PASSWORD}`] }) })
 *
 * @throws {ConfigurationError} credentials without a colon, or without a password
 */
export function basic(options: BasicOptions): Sender {
  checkSender(BASIC.facts, options, 'credentials', { key: aKeyPlace })
  return defineSender({ ...authorization('Basic', options.credentials.map(encoded), options.key), facts: BASIC.facts })
}

function encoded(credentials: string) {
  const colon = credentials.indexOf(':')
  if (colon === -1) throw new ConfigurationError('basic: credentials are written name:password')
  return tokenKey(Buffer.from(credentials).toString('base64'), credentials.slice(colon + 1))
}
