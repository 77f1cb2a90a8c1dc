import { aNumber } from '../util/options.js'
import { HOUR_MS } from './primitives/durations.js'
import { jsonExample } from './primitives/examples.js'
import { checkSender } from './primitives/sender-options.js'
import { signedMessages } from './primitives/signed-messages.js'
import type { Sender, SenderKind } from './sender.js'

export const STANDARD_WEBHOOKS: SenderKind = {
  facts: {
    name: 'standard-webhooks',
    title: 'Standard Webhooks',
    secret:
      '`whsec_` and base64, which is decoded (HMAC); or a key of Ed25519: `whpk_…`, the public one, is enough to verify',
    signature:
      '`webhook-signature: v1,…`: HMAC-SHA256 over `{webhook-id}.{webhook-timestamp}.{body}`, base64; `v1a,…`: Ed25519 over the same',
    key: 'the header `webhook-id`, which is signed',
    redelivery: 'it keeps `webhook-id`, with a new timestamp and signature, and is answered from the record',
    deadlineMs: 15_000,
    retryHorizonMs: 76 * HOUR_MS,
    retries:
      'up to each sender; the specification’s example: after 5 s, 5 min, 30 min, 2, 5, 10, 14, 20 and 24 h, 75 h 35 min in all',
    success: 'any 2xx; a redirect is a failure, and 410 ends the deliveries',
    pitfalls: [
      'A retry has a new timestamp and signature and the old id. Ids that are kept for minutes only, as the tolerance suggests, let retries run again.',
      'Secrets that begin with `whsec_` elsewhere are not always of this kind: Stripe’s is not base64.',
      'An id or a timestamp with a dot in it is refused, as the specification has it.',
    ],
    pages: ['https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md'],
  },
  create: ({ secrets }) => standardWebhooks({ secrets }),
  examples: ({ id, now }) => [
    jsonExample('invoice.paid', {
      type: 'invoice.paid',
      timestamp: new Date(now).toISOString(),
      data: { invoice: 'in_1', message: id },
    }),
  ],
}

export interface StandardWebhooksOptions {
  /** `whsec_…` (HMAC), `whpk_…` (Ed25519, verifies only) or `whsk_…` (Ed25519, signs too). Padding may be missing. */
  secrets: readonly string[]
  /** How old a timestamp may be, and how far ahead. Default 5 minutes. */
  toleranceMs?: number
}

/**
 * Any sender that follows https://www.standardwebhooks.com.
 *
 * @example
 * receiver.source({ name: 'partner', sender: standardWebhooks({ secrets: [process.env.PARTNER_SECRET!] }) })
 */
export function standardWebhooks(options: StandardWebhooksOptions): Sender {
  checkSender(STANDARD_WEBHOOKS.facts, options, 'secrets', { toleranceMs: aNumber })
  const { secrets, toleranceMs } = options
  return signedMessages({ facts: STANDARD_WEBHOOKS.facts, secrets, toleranceMs, headers: ['webhook'] })
}
