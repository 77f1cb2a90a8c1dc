import type { Delivery } from '../http/delivery.js'
import { aText, listOf } from '../util/options.js'
import { onlyHeader } from './primitives/delivery-values.js'
import { HOUR_MS } from './primitives/durations.js'
import { contentKey } from './primitives/event-key.js'
import { headerType } from './primitives/event-type.js'
import { jsonExample } from './primitives/examples.js'
import { checkSender } from './primitives/sender-options.js'
import { hmacKey } from './primitives/signing-keys.js'
import { defineSender, type Sender, type SenderKind } from './sender.js'

export const SHOPIFY: SenderKind = {
  facts: {
    name: 'shopify',
    title: 'Shopify',
    secret: 'the app’s client secret, as the text that it is',
    signature: '`X-Shopify-Hmac-Sha256` (of the Events API `shopify-hmac-sha256`): HMAC-SHA256 over the body, base64',
    key: 'a digest of the body, which is signed; the header `X-Shopify-Webhook-Id` is not, and is a label',
    redelivery: 'it keeps the body byte for byte, and is answered from the record',
    deadlineMs: 5_000,
    retryHorizonMs: 4 * HOUR_MS,
    retries: '8 in 4 hours, with the first payload',
    success: 'any 2xx; a subscription that keeps failing is removed',
    pitfalls: [
      'The signature covers the body alone: neither topic nor shop nor id. Take what you act upon from the body.',
      'One change can come under several topics with one body (`orders/create` and `orders/paid`), and is one event here: it runs for the topic that comes first. If it is to run for each, give each topic a source of its own, or name them in code (`topics`): whoever captured a delivery could make it run once under each of those.',
      'One event that matches several subscriptions comes once for each of them. With the same body it runs once.',
      'After a secret is replaced it can take an hour until the new one signs: give both.',
    ],
    pages: [
      'https://shopify.dev/docs/apps/build/webhooks/verify-deliveries',
      'https://shopify.dev/docs/apps/build/webhooks/ignore-duplicates',
    ],
  },
  create: ({ secrets }) => shopify({ secrets }),
  examples({ id, now }) {
    const at = { updated_at: new Date(now).toISOString() }
    const event = (topic: string, body: object) => jsonExample(topic, { ...body, ...at }, [['x-shopify-topic', topic]])
    const order = { id: 1, name: '#1001', note: id, total_price: '19.99', currency: 'EUR' }
    return [
      event('orders/updated', order),
      event('orders/create', { ...order, financial_status: 'pending' }),
      event('orders/paid', { ...order, financial_status: 'paid' }),
      event('products/update', { id: 2, title: 'A cup', handle: id, status: 'active' }),
    ]
  },
}

export interface ShopifyOptions {
  /** The app's client secrets. */
  secrets: readonly string[]
  /**
   * The topics, e.g. `orders/create`, under which one body is to run once each. They are not signed: who captured a
   * delivery can make it run under the others. Default: none; a body runs once.
   */
  topics?: readonly string[]
}

/**
 * @example
 * receiver.source({ name: 'shopify', sender: shopify({ secrets: [process.env.SHOPIFY_CLIENT_SECRET!] }) })
 */
export function shopify(options: ShopifyOptions): Sender {
  checkSender(SHOPIFY.facts, options, 'secrets', { topics: listOf('a list of topics', aText) })
  const { secrets, topics = [] } = options
  return defineSender({
    facts: SHOPIFY.facts,
    type: headerType('x-shopify-topic'),
    keys: secrets.map(secret => hmacKey(secret, { algorithm: 'sha256', encoding: 'base64' })),
    read(delivery) {
      const signature = onlyHeader(delivery, `${setOf(delivery)}hmac-sha256`)
      return signature === undefined ? null : { signatures: [signature], contents: [[delivery.body]] }
    },
    key(delivery) {
      const topic = onlyHeader(delivery, `${setOf(delivery)}topic`)
      return contentKey(topic !== undefined && topics.includes(topic) ? [topic, delivery.body] : [delivery.body])
    },
    // Of the Events API no more than the event's id is known to be always there.
    label: delivery =>
      onlyHeader(delivery, `${setOf(delivery)}webhook-id`) ??
      onlyHeader(delivery, `${setOf(delivery)}event-id`) ??
      null,
    write: ({ body, id }, sign) => [
      ['x-shopify-webhook-id', id],
      ['x-shopify-event-id', id],
      ['x-shopify-hmac-sha256', sign([body])],
    ],
  })
}

const EVENTS = 'shopify-'

/** Deliveries of the Events API bear the other set too; all is read from one. */
const setOf = (delivery: Delivery): string =>
  delivery.header(`${EVENTS}hmac-sha256`) === undefined ? 'x-shopify-' : EVENTS
