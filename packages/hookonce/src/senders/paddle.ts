import { aNumber } from '../util/options.js'
import { onlyHeader, signatureFields, unixSeconds } from './primitives/delivery-values.js'
import { DAY_MS } from './primitives/durations.js'
import { fieldKey } from './primitives/event-key.js'
import { jsonExample } from './primitives/examples.js'
import { checkSender } from './primitives/sender-options.js'
import { hmacKey } from './primitives/signing-keys.js'
import { defineSender, type Sender, type SenderKind } from './sender.js'

export const PADDLE: SenderKind = {
  facts: {
    name: 'paddle',
    title: 'Paddle',
    secret: 'Developer tools → Notifications → the destination → secret key, as the text that it is',
    signature: '`Paddle-Signature: ts=…;h1=…`: HMAC-SHA256 over `{ts}:{body}`, hex',
    key: 'the field `event_id` of the body, which is signed',
    redelivery: 'it keeps `event_id`; one by hand, too (not verified). It is answered from the record',
    deadlineMs: 5_000,
    retryHorizonMs: 3 * DAY_MS,
    retries: '60 in 3 days; in a sandbox 3 in 15 minutes',
    success: 'exactly 200',
    pitfalls: [
      'While a secret is replaced the header has an `h1` of each: any one that fits will do.',
      '`notification_id` differs from destination to destination for one event; `event_id` does not.',
      'Other successes than 200 count as failures; here they are answered as 200.',
    ],
    pages: [
      'https://developer.paddle.com/webhooks/about/signature-verification',
      'https://developer.paddle.com/webhooks/about/respond-to-webhooks',
    ],
  },
  create: ({ secrets }) => paddle({ secrets }),
  examples({ id, now }) {
    const event = (type: string, data: object) =>
      jsonExample(type, {
        event_id: id,
        event_type: type,
        occurred_at: new Date(now).toISOString(),
        notification_id: 'ntf_1',
        data,
      })
    return [
      event('transaction.completed', { id: 'txn_1', status: 'completed' }),
      event('subscription.created', { id: 'sub_1', status: 'active', transaction_id: 'txn_1' }),
      event('subscription.canceled', { id: 'sub_1', status: 'canceled' }),
    ]
  },
}

export interface PaddleOptions {
  /** The notification destination's secret keys. */
  secrets: readonly string[]
  /** How old a signature may be, and how far ahead. Default 5 minutes. */
  toleranceMs?: number
}

/**
 * @example
 * receiver.source({ name: 'paddle', sender: paddle({ secrets: [process.env.PADDLE_SECRET!] }) })
 */
export function paddle(options: PaddleOptions): Sender {
  checkSender(PADDLE.facts, options, 'secrets', { toleranceMs: aNumber })
  const { secrets, toleranceMs } = options
  return defineSender({
    facts: PADDLE.facts,
    keys: secrets.map(secret => hmacKey(secret, { algorithm: 'sha256', encoding: 'hex' })),
    toleranceMs,
    read(delivery) {
      const { timestamp, signatures } = signatureFields(onlyHeader(delivery, HEADER), FIELDS)
      return timestamp === undefined ? null : { signatures, contents: [[timestamp, ':', delivery.body]] }
    },
    sentAt: delivery => unixSeconds(signatureFields(onlyHeader(delivery, HEADER), FIELDS).timestamp),
    key: fieldKey('event_id'),
    success: [200],
    write({ body, now }, sign) {
      const timestamp = String(Math.floor(now / 1000))
      return [[HEADER, `ts=${timestamp};h1=${sign([timestamp, ':', body])}`]]
    },
  })
}

const HEADER = 'paddle-signature'
const FIELDS = { separator: ';', timestamp: 'ts', signature: 'h1' }
