import { authorization } from './primitives/authorization.js'
import { jsonExample } from './primitives/examples.js'
import type { KeyPlace } from './primitives/key-place.js'
import { aKeyPlace, checkSender } from './primitives/sender-options.js'
import { tokenKey } from './primitives/signing-keys.js'
import { defineSender, type Sender, type SenderKind } from './sender.js'

export const BEARER: SenderKind = {
  facts: {
    name: 'bearer',
    title: 'A sender with a bearer token',
    secret: 'what you and the sender agreed on: at least 32 random bytes, as text without spaces',
    signature: 'none: `Authorization: Bearer …` (RFC 6750) says who sends, and nothing of what is sent',
    key: 'the header `Idempotency-Key`; in code another header, or a field of the body. Nothing is signed',
    redelivery: 'it must keep the header or field that is the key',
    deadlineMs: null,
    retryHorizonMs: null,
    retries: 'the sender’s own',
    success: 'any 2xx, unless the sender has it otherwise',
    pitfalls: [
      'Content, key and time are not protected. Who sees one delivery has the token, and can send whatever they like under any key.',
      'Only over TLS, and kept out of the logs of what is on the way.',
    ],
    pages: ['https://www.rfc-editor.org/rfc/rfc6750'],
  },
  create: ({ secrets }) => bearer({ tokens: secrets }),
  examples: ({ id, now }) => [
    jsonExample('order.paid', { id, type: 'order.paid', created: new Date(now).toISOString(), data: { order: 1 } }),
  ],
}

export interface BearerOptions {
  tokens: readonly string[]
  /** Where the key is. Default: the standards' headers. */
  key?: KeyPlace
}

/**
 * A token authenticates the sender and protects neither content, key nor time: a captured delivery shows it, and allows
 * any other delivery. Prefer a signature if the sender supports one.
 *
 * @example
 * receiver.source({ name: 'partner', sender: bearer({ tokens: [process.env.PARTNER_TOKEN!] }) })
 */
export function bearer(options: BearerOptions): Sender {
  checkSender(BEARER.facts, options, 'tokens', { key: aKeyPlace })
  const keys = options.tokens.map(token => tokenKey(token))
  return defineSender({ ...authorization('Bearer', keys, options.key), facts: BEARER.facts })
}
