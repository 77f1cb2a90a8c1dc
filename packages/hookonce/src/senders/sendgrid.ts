import type { Delivery } from '../http/delivery.js'
import { aNumber } from '../util/options.js'
import { jsonOf } from './primitives/delivery-values.js'
import { HOUR_MS } from './primitives/durations.js'
import { contentKey } from './primitives/event-key.js'
import { fieldType } from './primitives/event-type.js'
import { checkSender } from './primitives/sender-options.js'
import { ecdsaKey } from './primitives/signing-keys.js'
import { timestamped } from './primitives/timestamped.js'
import { defineSender, type Sender, type SenderKind } from './sender.js'

export const SENDGRID: SenderKind = {
  facts: {
    name: 'sendgrid',
    title: 'SendGrid Event Webhook',
    secret:
      'Settings → Mail Settings → Event Webhook → Signature Verification → Public Key: base64, nothing secret. Verification must be turned on there',
    signature:
      '`X-Twilio-Email-Event-Webhook-Signature` and `…-Timestamp`: ECDSA (P-256, SHA-256) over timestamp and body, base64',
    key: 'the `sg_event_id` of every item in the body, which are signed',
    redelivery: 'it keeps the `sg_event_id`s in one batch (not verified), and is answered from the record',
    deadlineMs: null,
    retryHorizonMs: null,
    retries: 'how long is not published; more than a day has been seen',
    success: 'any 2xx',
    pitfalls: [
      'The body ends in a line break, which is signed. What trims bodies on the way breaks every signature.',
      'Many events come together. They are one operation here: all of it is recorded, or all of it is tried again.',
      'Whether a retry bears a new timestamp is not published, so that one is taken for 30 hours: retries have been seen for 29. What was recorded stays a duplicate for longer than that.',
      'One event can come in several batches. That is two operations here: make its effect idempotent by `sg_event_id`.',
    ],
    pages: [
      'https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features',
    ],
  },
  create: ({ secrets }) => sendgrid({ publicKeys: secrets }),
  examples: ({ id, now }) =>
    [{ event: 'delivered' }, { event: 'open' }, { event: 'bounce', type: 'bounce', status: '5.1.1' }].map(own => ({
      type: own.event,
      contentType: 'application/json',
      headers: [],
      // The bytes that SendGrid signs end so.
      body: `${JSON.stringify([
        { email: 'hello@example.com', sg_event_id: id, timestamp: Math.floor(now / 1000), ...own },
      ])}\r\n`,
    })),
}

export interface SendgridOptions {
  /** The verification keys, in base64. A private key (PKCS #8) can also sign, for tests. */
  publicKeys: readonly string[]
  /** How old a signature may be, and how far ahead. Default 30 hours: retries may bear the first one. */
  toleranceMs?: number
}

/**
 * @example
 * receiver.source({ name: 'sendgrid', sender: sendgrid({ publicKeys: [process.env.SENDGRID_PUBLIC_KEY!] }) })
 *
 * @throws {ConfigurationError} a public key is not on the curve P-256
 */
export function sendgrid(options: SendgridOptions): Sender {
  checkSender(SENDGRID.facts, options, 'publicKeys', { toleranceMs: aNumber })
  const { publicKeys, toleranceMs = 30 * HOUR_MS } = options
  return defineSender({
    ...timestamped(
      publicKeys.map(key => ecdsaKey(Buffer.from(key, 'base64'), { encoding: 'base64' })),
      {
        signature: 'x-twilio-email-event-webhook-signature',
        timestamp: 'x-twilio-email-event-webhook-timestamp',
      },
    ),
    facts: SENDGRID.facts,
    type: fieldType('0.event'),
    toleranceMs,
    key: delivery => contentKey(eventIdsOf(delivery) ?? [delivery.body]),
  })
}

function eventIdsOf(delivery: Delivery): string[] | undefined {
  const items = jsonOf(delivery)
  if (!Array.isArray(items) || items.length === 0) return undefined
  const ids = items.map(item => item?.sg_event_id)
  return ids.every(id => typeof id === 'string') ? ids : undefined
}
