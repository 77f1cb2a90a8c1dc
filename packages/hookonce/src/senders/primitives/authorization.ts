import type { SenderRules } from '../sender.js'
import { onlyHeader } from './delivery-values.js'
import { type KeyPlace, keyPlace } from './key-place.js'
import type { SigningKey } from './signing-keys.js'

/**
 * Credentials in the header `Authorization` (RFC 9110 §11.6.2). They sign nothing, so that the key's header need not be
 * signed: a captured delivery shows the secret, which allows any key.
 */
export function authorization(
  scheme: 'Basic' | 'Bearer',
  keys: readonly SigningKey[],
  key: KeyPlace | undefined,
): Pick<SenderRules, 'keys' | 'provenByHeaders' | 'read' | 'key' | 'label' | 'secretHeaders' | 'write'> {
  const place = keyPlace(key)
  // The scheme is case-insensitive (RFC 9110 §11.1), the credentials are not.
  const form = new RegExp(`^${scheme} +(\\S+)$`, 'i')
  return {
    keys,
    provenByHeaders: true,
    read(delivery) {
      const shown = form.exec(onlyHeader(delivery, 'authorization') ?? '')?.[1]
      return shown === undefined ? null : { signatures: [shown], contents: [[]] }
    },
    key: place.key,
    label: place.label,
    secretHeaders: ['authorization'],
    write: (event, sign) => [...place.write(event), ['authorization', `${scheme} ${sign([])}`]],
  }
}
