import type { Delivery, HeaderList } from 'hookonce'
import type { ResolvedSource } from '../config/resolve.js'

/**
 * What a source wants kept of a delivery, by its `redactDelivery`; `null`: nothing. A body that is not replaced is the
 * delivery's own.
 */
export function redactedBy(
  { redact }: ResolvedSource['kept'],
  delivery: Delivery,
): { headers: HeaderList; body: Uint8Array } | null {
  const redacted = redact === undefined ? {} : redact(delivery)
  if (redacted === null) return null
  const { headers = delivery.headers, body = delivery.body } = redacted
  return { headers, body: typeof body === 'string' ? Buffer.from(body) : body }
}
