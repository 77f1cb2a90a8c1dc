import { aNumber } from '../util/options.js'
import { onlyHeader, signatureFields, unixSeconds } from './primitives/delivery-values.js'
import { DAY_MS } from './primitives/durations.js'
import { fieldKey } from './primitives/event-key.js'
import { jsonExample } from './primitives/examples.js'
import { checkSender } from './primitives/sender-options.js'
import { hmacKey } from './primitives/signing-keys.js'
import { defineSender, type Sender, type SenderKind } from './sender.js'

export const STRIPE: SenderKind = {
  facts: {
    name: 'stripe',
    title: 'Stripe',
    secret: 'Developers → Webhooks → the endpoint → Signing secret: `whsec_…`, used as the text that it is',
    signature: '`Stripe-Signature: t=…,v1=…`: HMAC-SHA256 over `{t}.{body}`, hex',
    key: 'the field `id` of the body (`evt_…`), which is signed',
    redelivery:
      'it keeps the event’s `id`, with a new timestamp and signature (not verified), and is answered from the record; so is one by hand',
    deadlineMs: null,
    retryHorizonMs: 30 * DAY_MS,
    retries:
      'up to 3 days by itself (a sandbox: three times in a few hours); by hand up to 15 days in the Dashboard, 30 by CLI',
    success: 'any 2xx; a redirect is a failure',
    pitfalls: [
      'One change can come as two events with ids of their own: where that matters, make the effect idempotent by `data.object.id` and `type`.',
      'Events come in any order. Do not sort by `created`.',
      'When a secret is rolled, both are signed with for up to 24 hours: give both.',
    ],
    pages: ['https://docs.stripe.com/webhooks'],
  },
  create: ({ secrets }) => stripe({ secrets }),
  examples({ id, now }) {
    const event = (type: string, object: object) =>
      jsonExample(type, {
        id,
        object: 'event',
        type,
        created: Math.floor(now / 1000),
        livemode: false,
        data: { object },
      })
    const money = { amount: 1999, currency: 'eur' }
    return [
      event('payment_intent.succeeded', { id: 'pi_1', object: 'payment_intent', ...money, status: 'succeeded' }),
      event('checkout.session.completed', {
        id: 'cs_test_1',
        object: 'checkout.session',
        mode: 'payment',
        payment_intent: 'pi_1',
        payment_status: 'paid',
        amount_total: 1999,
        currency: 'eur',
      }),
      event('invoice.paid', {
        id: 'in_1',
        object: 'invoice',
        subscription: 'sub_1',
        status: 'paid',
        amount_paid: 1999,
        currency: 'eur',
      }),
      event('charge.refunded', { id: 'ch_1', object: 'charge', ...money, amount_refunded: 1999, refunded: true }),
    ]
  },
}

export interface StripeOptions {
  /** The endpoint's signing secrets, `whsec_…`. */
  secrets: readonly string[]
  /** How old a signature may be, and how far ahead. Default 5 minutes. */
  toleranceMs?: number
}

/**
 * @example
 * receiver.source({ name: 'stripe', sender: stripe({ secrets: [process.env.STRIPE_SECRET!] }) })
 */
export function stripe(options: StripeOptions): Sender {
  checkSender(STRIPE.facts, options, 'secrets', { toleranceMs: aNumber })
  const { secrets, toleranceMs } = options
  return defineSender({
    facts: STRIPE.facts,
    keys: secrets.map(secret => hmacKey(secret, { algorithm: 'sha256', encoding: 'hex' })),
    toleranceMs,
    read(delivery) {
      const { timestamp, signatures } = signatureFields(onlyHeader(delivery, HEADER), FIELDS)
      return timestamp === undefined ? null : { signatures, contents: [[timestamp, '.', delivery.body]] }
    },
    sentAt: delivery => unixSeconds(signatureFields(onlyHeader(delivery, HEADER), FIELDS).timestamp),
    key: fieldKey('id'),
    write({ body, now }, sign) {
      const timestamp = String(Math.floor(now / 1000))
      return [[HEADER, `t=${timestamp},v1=${sign([timestamp, '.', body])}`]]
    },
  })
}

const HEADER = 'stripe-signature'
const FIELDS = { separator: ',', timestamp: 't', signature: 'v1' }
