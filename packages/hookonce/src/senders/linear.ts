import { aNumber } from '../util/options.js'
import { jsonOf, onlyHeader } from './primitives/delivery-values.js'
import { HOUR_MS, MINUTE_MS } from './primitives/durations.js'
import { bodyKey, headerLabel } from './primitives/event-key.js'
import { jsonExample } from './primitives/examples.js'
import { checkSender } from './primitives/sender-options.js'
import { hmacKey } from './primitives/signing-keys.js'
import { defineSender, type Sender, type SenderKind } from './sender.js'

/** Of the retries: after 1 minute, 1 hour and 6 hours. */
const HORIZON_MS = 7 * HOUR_MS + MINUTE_MS

export const LINEAR: SenderKind = {
  facts: {
    name: 'linear',
    title: 'Linear',
    secret: 'Settings → API → Webhooks → the webhook → signing secret, as the text that it is',
    signature:
      '`Linear-Signature`: HMAC-SHA256 over the body, hex; the body’s `webhookTimestamp` says when it was sent',
    key: 'a digest of the signed body without its `webhookTimestamp`; the header `Linear-Delivery` is not signed, and is a label',
    redelivery:
      'whether a retry has a new `webhookTimestamp` is not published: with or without, it is the duplicate that it is, and is answered from the record',
    deadlineMs: 5_000,
    retryHorizonMs: HORIZON_MS,
    retries: 'after 1 minute, 1 hour and 6 hours',
    success: 'exactly 200; a webhook that keeps failing may be switched off',
    pitfalls: [
      'The timestamp stands in the body, in milliseconds. Linear’s page advises to take it for a minute; a retry that bears the first delivery’s comes after up to 7 hours and a minute, and would never be taken then. It is taken for 7 hours and 6 minutes here. What was captured is a duplicate for longer than that, by its record.',
      'Other successes than 200 count as failures; here they are answered as 200.',
    ],
    pages: ['https://linear.app/developers/webhooks'],
  },
  create: ({ secrets }) => linear({ secrets }),
  examples({ id, now }) {
    const createdAt = new Date(now).toISOString()
    const event = (type: string, data: object) =>
      jsonExample(type, { action: 'create', type, createdAt, data, webhookId: 'webhook-1', webhookTimestamp: now }, [
        ['linear-event', type],
      ])
    return [
      event('Issue', { id: 'issue-1', number: 1, title: id }),
      event('Comment', { id: 'comment-1', issueId: 'issue-1', body: id }),
    ]
  },
}

export interface LinearOptions {
  /** The webhook's signing secrets. */
  secrets: readonly string[]
  /** How old `webhookTimestamp` may be, and how far ahead. Default 7 hours and 6 minutes: as long as Linear retries. */
  toleranceMs?: number
}

/**
 * @example
 * receiver.source({ name: 'linear', sender: linear({ secrets: [process.env.LINEAR_SECRET!] }) })
 */
export function linear(options: LinearOptions): Sender {
  checkSender(LINEAR.facts, options, 'secrets', { toleranceMs: aNumber })
  const { secrets, toleranceMs = HORIZON_MS + 5 * MINUTE_MS } = options
  return defineSender({
    facts: LINEAR.facts,
    keys: secrets.map(secret => hmacKey(secret, { algorithm: 'sha256', encoding: 'hex' })),
    toleranceMs,
    read(delivery) {
      const signature = onlyHeader(delivery, 'linear-signature')
      return signature === undefined ? null : { signatures: [signature], contents: [[delivery.body]] }
    },
    sentAt(delivery) {
      const sent = jsonOf(delivery)?.webhookTimestamp
      return Number.isSafeInteger(sent) ? sent : null
    },
    key: bodyKey('webhookTimestamp'),
    label: headerLabel('linear-delivery'),
    success: [200],
    write: ({ body, id }, sign) => [
      ['linear-delivery', id],
      ['linear-signature', sign([body])],
    ],
  })
}
