import { ConfigurationError } from '../../errors.js'
import type { Delivery } from '../../http/delivery.js'
import { defineSender, type Sender, type SenderFacts } from '../sender.js'
import { onlyHeader, unixSeconds } from './delivery-values.js'
import { headerKey } from './event-key.js'
import { traitsOf } from './secrets.js'
import { ed25519Key, hmacKey, type SigningKey } from './signing-keys.js'

export interface SignedMessages {
  facts: SenderFacts
  secrets: readonly string[]
  toleranceMs?: number | undefined
  /**
   * Prefixes of its headers, e.g. `webhook` for `webhook-id`. The first that a delivery has is used for all of them.
   */
  headers: readonly [string, ...string[]]
  secretHeaders?: readonly string[]
}

/**
 * A sender that signs id, timestamp and body, as Standard Webhooks specifies.
 *
 * @throws {ConfigurationError} a secret is malformed
 */
export function signedMessages({ facts, secrets, toleranceMs, headers, secretHeaders = [] }: SignedMessages): Sender {
  const setOf = (delivery: Delivery): string =>
    headers.find(set => delivery.header(`${set}-signature`) !== undefined) ?? headers[0]

  return defineSender({
    facts,
    keys: secrets.map(messageKey),
    secretHeaders,
    toleranceMs,
    read(delivery) {
      const set = setOf(delivery)
      const id = onlyHeader(delivery, `${set}-id`)
      const timestamp = onlyHeader(delivery, `${set}-timestamp`)
      const signatures = onlyHeader(delivery, `${set}-signature`)
      if (id === undefined || timestamp === undefined || signatures === undefined) return null
      // The dot is the separator: with one inside a part, the same signature covers another split.
      if (id.includes('.') || timestamp.includes('.')) return null
      return { signatures: signatures.split(' '), contents: [[id, '.', timestamp, '.', delivery.body]] }
    },
    sentAt: delivery => unixSeconds(onlyHeader(delivery, `${setOf(delivery)}-timestamp`)),
    key: delivery => headerKey(`${setOf(delivery)}-id`)(delivery),
    write({ body, id, now }, sign) {
      if (id.includes('.')) throw new ConfigurationError(`${facts.name}: an id must not have a dot in it`)
      const timestamp = String(Math.floor(now / 1000))
      return [
        [`${headers[0]}-id`, id],
        [`${headers[0]}-timestamp`, timestamp],
        [`${headers[0]}-signature`, sign([id, '.', timestamp, '.', body])],
      ]
    },
  })
}

const RAW_BYTES = { whsec: undefined, whpk: 32, whsk: 64 }

function messageKey(secret: string): SigningKey {
  traitsOf(secret)
  // Some consoles show the secret after the signatures' version (`v1,whsec_…`).
  const [, kind, base64 = ''] = /^(?:v1,(?=whsec))?(whsec|whpk|whsk)_([A-Za-z0-9+/]+)={0,2}$/.exec(secret) ?? []
  const raw = Buffer.from(base64, 'base64')
  const length = RAW_BYTES[kind as keyof typeof RAW_BYTES]
  if (raw.length === 0 || (length !== undefined && raw.length !== length)) {
    throw new ConfigurationError(
      'a secret must be whsec_ and base64, or a key of Ed25519: whpk_ and the base64 of 32 bytes, or whsk_ and that of 64',
    )
  }
  return kind === 'whsec'
    ? hmacKey(raw, { algorithm: 'sha256', encoding: 'base64', prefix: 'v1,' })
    : ed25519Key(raw, { encoding: 'base64', prefix: 'v1a,' })
}
