import { aText } from '../util/options.js'
import { onlyHeader } from './primitives/delivery-values.js'
import { DAY_MS } from './primitives/durations.js'
import { fieldKey } from './primitives/event-key.js'
import { jsonExample } from './primitives/examples.js'
import { publicUrl } from './primitives/public-url.js'
import { checkSender } from './primitives/sender-options.js'
import { hmacKey } from './primitives/signing-keys.js'
import { defineSender, type Sender, type SenderKind } from './sender.js'

export const SQUARE: SenderKind = {
  facts: {
    name: 'square',
    title: 'Square',
    secret: 'Developer Console → the application → Webhooks → the subscription → Signature Key, as the text that it is',
    signature: '`x-square-hmacsha256-signature`: HMAC-SHA256 over the notification URL and the body, base64',
    key: 'the field `event_id` of the body, which is signed',
    redelivery: 'it keeps `event_id`, and is answered from the record',
    deadlineMs: null,
    retryHorizonMs: 3 * DAY_MS,
    retries: 'for up to 24 hours; older pages say 72',
    success: 'any 2xx',
    pitfalls: [
      'The URL is signed as the subscription has it, letter for letter: a slash at its end counts, and so does the scheme in front of a proxy.',
      'There is no timestamp: what keeps a captured delivery from running again is its record.',
    ],
    pages: [
      'https://developer.squareup.com/docs/webhooks/step3validate',
      'https://developer.squareup.com/docs/webhooks/troubleshooting',
    ],
  },
  create: ({ secrets, publicUrl: url }) => square({ secrets, url: publicUrl('square', url) }),
  examples({ id, now }) {
    const event = (type: string, kind: string, object: { id: string; status: string }) =>
      jsonExample(type, {
        merchant_id: 'M1',
        type,
        event_id: id,
        created_at: new Date(now).toISOString(),
        data: { type: kind, id: object.id, object: { [kind]: object } },
      })
    return [
      event('payment.updated', 'payment', { id: 'P1', status: 'COMPLETED' }),
      event('payment.created', 'payment', { id: 'P1', status: 'APPROVED' }),
      event('refund.updated', 'refund', { id: 'R1', status: 'COMPLETED' }),
    ]
  },
}

export interface SquareOptions {
  /** The subscription's signature keys. */
  secrets: readonly string[]
  /** The subscription's notification URL, letter for letter. */
  url: string
}

/**
 * @example
 * receiver.source({
 *   name: 'square',
 *   sender: square({ secrets: [process.env.SQUARE_SIGNATURE_KEY!], url: 'https://example.com/hooks/square' }),
 * })
 */
export function square(options: SquareOptions): Sender {
  checkSender(SQUARE.facts, options, 'secrets', { url: aText })
  const { secrets, url } = options
  const registered = publicUrl('square', url)
  return defineSender({
    facts: SQUARE.facts,
    keys: secrets.map(secret => hmacKey(secret, { algorithm: 'sha256', encoding: 'base64' })),
    read(delivery) {
      const signature = onlyHeader(delivery, HEADER)
      return signature === undefined ? null : { signatures: [signature], contents: [[registered, delivery.body]] }
    },
    key: fieldKey('event_id'),
    write: ({ body }, sign) => [[HEADER, sign([registered, body])]],
  })
}

const HEADER = 'x-square-hmacsha256-signature'
