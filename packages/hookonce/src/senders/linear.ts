import { HOUR_MS, MINUTE_MS } from './primitives/durations.js'
import { headerKey } from './primitives/event-key.js'
import { jsonOf, onlyHeader } from './primitives/reading.js'
import { hmacKey } from './primitives/signing-keys.js'
import { defineSender, type Sender, type SenderKind } from './sender.js'

export const LINEAR: SenderKind = {
  facts: {
    name: 'linear',
    title: 'Linear',
    secret: 'Settings → API → Webhooks → the webhook → signing secret, as the text that it is',
    signature:
      '`Linear-Signature`: HMAC-SHA256 over the body, hex; the body’s `webhookTimestamp` says when it was sent',
    key: 'the header `Linear-Delivery`, which is not signed',
    deadlineMs: 5_000,
    retryHorizonMs: 7 * HOUR_MS + MINUTE_MS,
    retries: 'after 1 minute, 1 hour and 6 hours',
    success: 'exactly 200; a webhook that keeps failing may be switched off',
    pitfalls: [
      'The timestamp stands in the body, in milliseconds, and is taken for a minute only.',
      'The delivery’s id is not signed. A captured delivery under another is answered as the first one was; it does not run.',
      'Other successes than 200 count as failures; here they are answered as 200.',
    ],
    pages: ['https://linear.app/developers/webhooks'],
  },
  create: ({ secrets }) => linear({ secrets }),
  example: ({ id, now }) => ({
    contentType: 'application/json',
    body: JSON.stringify({
      action: 'create',
      type: 'Issue',
      createdAt: new Date(now).toISOString(),
      data: { id: 'issue-1', title: id },
      webhookId: 'webhook-1',
      webhookTimestamp: now,
    }),
  }),
}

export interface LinearOptions {
  /** The webhook's signing secrets. */
  secrets: readonly string[]
  /** How old `webhookTimestamp` may be, and how far ahead. Default 1 minute. */
  toleranceMs?: number
}

/**
 * @example
 * receiver.source({ name: 'linear', sender: linear({ secrets: [process.env.LINEAR_SECRET!] }) })
 */
export function linear({ secrets, toleranceMs = MINUTE_MS }: LinearOptions): Sender {
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
    key: headerKey('linear-delivery'),
    boundContent: delivery => [delivery.body],
    success: [200],
    write: ({ body, id }, sign) => [
      ['linear-delivery', id],
      ['linear-signature', sign([body])],
    ],
  })
}
