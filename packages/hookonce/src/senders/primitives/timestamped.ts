import type { SenderRules } from '../sender.js'
import { onlyHeader, unixSeconds } from './delivery-values.js'
import type { SigningKey } from './signing-keys.js'

/** A signature over timestamp and body. Signature and timestamp (Unix seconds) have a header each. */
export function timestamped(
  keys: readonly SigningKey[],
  headers: { signature: string; timestamp: string },
): Pick<SenderRules, 'keys' | 'read' | 'sentAt' | 'write'> {
  return {
    keys,
    read(delivery) {
      const signature = onlyHeader(delivery, headers.signature)
      const timestamp = onlyHeader(delivery, headers.timestamp)
      return signature === undefined || timestamp === undefined
        ? null
        : { signatures: [signature], contents: [[timestamp, delivery.body]] }
    },
    sentAt: delivery => unixSeconds(onlyHeader(delivery, headers.timestamp)),
    write({ body, now }, sign) {
      const timestamp = String(Math.floor(now / 1000))
      return [
        [headers.signature, sign([timestamp, body])],
        [headers.timestamp, timestamp],
      ]
    },
  }
}
