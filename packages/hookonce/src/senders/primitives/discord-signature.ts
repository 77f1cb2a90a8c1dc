import { ConfigurationError } from '../../errors.js'
import { ed25519Key, type SigningKey } from './signing-keys.js'
import { timestamped } from './timestamped.js'

/** Discord signs timestamp and body with Ed25519. */
export const discordSignature = (publicKeys: readonly string[]) =>
  timestamped(publicKeys.map(keyOf), { signature: 'x-signature-ed25519', timestamp: 'x-signature-timestamp' })

function keyOf(hex: string): SigningKey {
  if (!/^([0-9a-f]{2})+$/i.test(hex)) throw new ConfigurationError('a public key of Discord is 64 hex digits')
  return ed25519Key(Buffer.from(hex, 'hex'), { encoding: 'hex' })
}
