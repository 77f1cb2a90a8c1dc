import { onlyHeader } from './primitives/delivery-values.js'
import { MINUTE_MS } from './primitives/durations.js'
import { fieldKey } from './primitives/event-key.js'
import { fieldType } from './primitives/event-type.js'
import { jsonExample } from './primitives/examples.js'
import { checkSender } from './primitives/sender-options.js'
import { hmacKey } from './primitives/signing-keys.js'
import { defineSender, type Sender, type SenderKind } from './sender.js'

export const PAGERDUTY: SenderKind = {
  facts: {
    name: 'pagerduty',
    title: 'PagerDuty (v3 webhooks)',
    secret: 'shown once, when the subscription is made: the text that it is',
    signature: '`X-PagerDuty-Signature: v1=…`, several with commas between: HMAC-SHA256 over the body, hex',
    key: 'the field `event.id` of the body, which is signed',
    redelivery: 'it keeps `event.id` (not verified), and is answered from the record',
    deadlineMs: 5_000,
    retryHorizonMs: 20 * MINUTE_MS,
    retries: 'up to 4 over 20 minutes; 400 and 403 are said to end them',
    success: 'any 2xx',
    pitfalls: [
      'While a secret is replaced there are several signatures: one that is right is enough.',
      'Nothing is timestamped in the signature: a captured delivery is a duplicate here for as long as results are kept.',
    ],
    pages: ['https://developer.pagerduty.com/docs/webhooks/webhook-signatures/'],
  },
  create: ({ secrets }) => pagerduty({ secrets }),
  examples: ({ id, now }) =>
    ['triggered', 'acknowledged', 'resolved'].map(status =>
      jsonExample(`incident.${status}`, {
        event: {
          id,
          event_type: `incident.${status}`,
          resource_type: 'incident',
          occurred_at: new Date(now).toISOString(),
          data: { id: 'PGR0VU2', type: 'incident', number: 2, status },
        },
      }),
    ),
}

export interface PagerdutyOptions {
  /** The subscription's signing secrets. */
  secrets: readonly string[]
}

/**
 * @example
 * receiver.source({ name: 'pagerduty', sender: pagerduty({ secrets: [process.env.PAGERDUTY_SECRET!] }) })
 */
export function pagerduty(options: PagerdutyOptions): Sender {
  checkSender(PAGERDUTY.facts, options, 'secrets')
  const { secrets } = options
  return defineSender({
    facts: PAGERDUTY.facts,
    type: fieldType('event.event_type'),
    keys: secrets.map(secret => hmacKey(secret, { algorithm: 'sha256', encoding: 'hex', prefix: 'v1=' })),
    read(delivery) {
      const header = onlyHeader(delivery, SIGNATURE)
      // The header may also have signatures of later versions.
      const signatures = header
        ?.split(',')
        .map(each => each.trim())
        .filter(each => each.startsWith('v1='))
      return signatures === undefined ? null : { signatures, contents: [[delivery.body]] }
    },
    key: fieldKey('event.id'),
    write: ({ body }, sign) => [[SIGNATURE, sign([body])]],
  })
}

const SIGNATURE = 'x-pagerduty-signature'
