import { aNumber } from '../util/options.js'
import { HOUR_MS } from './primitives/durations.js'
import { jsonExample } from './primitives/examples.js'
import { checkSender } from './primitives/sender-options.js'
import { signedMessages } from './primitives/signed-messages.js'
import type { Sender, SenderKind } from './sender.js'

export const SVIX: SenderKind = {
  facts: {
    name: 'svix',
    title: 'Svix',
    secret: 'the endpoint’s page → Signing Secret: `whsec_…`, base64 after the prefix',
    signature: '`svix-signature: v1,…`: HMAC-SHA256 over `{svix-id}.{svix-timestamp}.{body}`, base64',
    key: 'the header `svix-id`, which is signed',
    redelivery:
      'it keeps `svix-id`, with a new timestamp and signature, and is answered from the record; so is one by hand while the result is kept: by default as long as it retries by itself, `retentionMs` or `HOOKONCE_TTL_SECONDS` says longer',
    deadlineMs: 15_000,
    retryHorizonMs: 28 * HOUR_MS,
    retries:
      'after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h and 10 h; by hand for as long as the account keeps its messages, 90 days unless it says otherwise',
    success: 'any 2xx; an endpoint that fails for 5 days is switched off',
    pitfalls: [
      'The headers come as `svix-…` or `webhook-…`: both sets are understood, and one is never completed from the other.',
      'A retry has a new timestamp and signature and the old id.',
      'A response with the header `webhook-delivery: abort-message` ends the retries of a message.',
    ],
    pages: ['https://docs.svix.com/receiving/verifying-payloads/how-manual', 'https://docs.svix.com/retries'],
  },
  create: ({ secrets }) => svix({ secrets }),
  examples: ({ id }) => [jsonExample('invoice.paid', { type: 'invoice.paid', data: { invoice: 'in_1', message: id } })],
}

export interface SvixOptions {
  /** The endpoint's signing secrets, `whsec_…`. */
  secrets: readonly string[]
  /** How old a timestamp may be, and how far ahead. Default 5 minutes. */
  toleranceMs?: number
}

/**
 * Everybody who delivers through Svix.
 *
 * @example
 * receiver.source({ name: 'partner', sender: svix({ secrets: [process.env.SVIX_SECRET!] }) })
 */
export function svix(options: SvixOptions): Sender {
  checkSender(SVIX.facts, options, 'secrets', { toleranceMs: aNumber })
  const { secrets, toleranceMs } = options
  return signedMessages({ facts: SVIX.facts, secrets, toleranceMs, headers: ['svix', 'webhook'] })
}
