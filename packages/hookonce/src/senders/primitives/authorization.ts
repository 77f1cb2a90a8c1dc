import type { SenderRules } from '../sender.js'
import { onlyHeader } from './delivery-values.js'
import { type KeyPlace, keyPlace } from './key-place.js'
import type { SigningKey } from './signing-keys.js'

/**
 * What the header `Authorization` shows under a scheme (RFC 9110 §11.6.2). It signs nothing: who captures a delivery has
 * the secret, and any name would be as good as the one in the header.
 */
export function authorization(
  scheme: 'Basic' | 'Bearer',
  keys: readonly SigningKey[],
  key: KeyPlace | undefined,
): Pick<SenderRules, 'keys' | 'provenByHeaders' | 'read' | 'key' | 'label' | 'secretHeaders' | 'write'> {
  const place = keyPlace(key)
  // The scheme's name is in any case (RFC 9110 §11.1); what it shows is not.
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
