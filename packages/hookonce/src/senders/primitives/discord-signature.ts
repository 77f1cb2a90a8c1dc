import { ConfigurationError } from '../../errors.js'
import type { SenderRules } from '../sender.js'
import { onlyHeader, unixSeconds } from './reading.js'
import { ed25519Key, type SigningKey } from './signing-keys.js'

/** What all that Discord sends has in common: Ed25519 over timestamp and body. */
export function discordSignature(
  publicKeys: readonly string[],
): Pick<SenderRules, 'keys' | 'read' | 'sentAt' | 'write'> {
  return {
    keys: publicKeys.map(keyOf),
    read(delivery) {
      const [signature, timestamp] = [SIGNATURE, TIMESTAMP].map(name => onlyHeader(delivery, name))
      return signature === undefined || timestamp === undefined
        ? null
        : { signatures: [signature], contents: [[timestamp, delivery.body]] }
    },
    sentAt: delivery => unixSeconds(onlyHeader(delivery, TIMESTAMP)),
    write({ body, now }, sign) {
      const timestamp = String(Math.floor(now / 1000))
      return [
        [SIGNATURE, sign([timestamp, body])],
        [TIMESTAMP, timestamp],
      ]
    },
  }
}

const SIGNATURE = 'x-signature-ed25519'
const TIMESTAMP = 'x-signature-timestamp'

function keyOf(hex: string): SigningKey {
  if (!/^([0-9a-f]{2})+$/i.test(hex)) throw new ConfigurationError('a public key of Discord is 64 hex digits')
  return ed25519Key(Buffer.from(hex, 'hex'), { encoding: 'hex' })
}
