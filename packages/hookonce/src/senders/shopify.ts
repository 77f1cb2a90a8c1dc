import type { Delivery } from '../delivery.js'
import { HOUR_MS } from './primitives/durations.js'
import { headerKey, joinedKey } from './primitives/event-key.js'
import { onlyHeader } from './primitives/reading.js'
import { hmacKey } from './primitives/signing-keys.js'
import { defineSender, type Sender, type SenderKind } from './sender.js'

export const SHOPIFY: SenderKind = {
  facts: {
    name: 'shopify',
    title: 'Shopify',
    secret: 'the app’s client secret, as the text that it is',
    signature: '`X-Shopify-Hmac-Sha256` (of the Events API `shopify-hmac-sha256`): HMAC-SHA256 over the body, base64',
    key: 'the headers `X-Shopify-Topic` and `X-Shopify-Webhook-Id` (or, by option, `X-Shopify-Event-Id`), which are not signed',
    deadlineMs: 5_000,
    retryHorizonMs: 4 * HOUR_MS,
    retries: '8 in 4 hours, with the first payload',
    success: 'any 2xx; a subscription that keeps failing is removed',
    pitfalls: [
      'The signature covers the body alone: neither topic nor shop nor id. Take what you act upon from the body, and give topics that must not be taken for each other sources of their own.',
      'A captured delivery under another id is answered as the first one was; it does not run.',
      'One event comes once for every subscription that it matches. To run it once altogether, choose the event’s id for the key.',
      'After a secret is replaced it can take an hour until the new one signs: give both.',
    ],
    pages: [
      'https://shopify.dev/docs/apps/build/webhooks/verify-deliveries',
      'https://shopify.dev/docs/apps/build/webhooks/ignore-duplicates',
    ],
  },
  create: ({ secrets }) => shopify({ secrets }),
  example: ({ id, now }) => ({
    contentType: 'application/json',
    body: JSON.stringify({
      id: 1,
      name: '#1001',
      note: id,
      total_price: '19.99',
      updated_at: new Date(now).toISOString(),
    }),
  }),
}

export interface ShopifyOptions {
  /** The app's client secrets. */
  secrets: readonly string[]
  /** Which id is the key, together with the topic: the delivery's (default), or the event's, whichever subscription it came by. */
  keyBy?: 'delivery' | 'event'
}

/**
 * @example
 * receiver.source({ name: 'shopify', sender: shopify({ secrets: [process.env.SHOPIFY_CLIENT_SECRET!] }) })
 */
export function shopify({ secrets, keyBy = 'delivery' }: ShopifyOptions): Sender {
  return defineSender({
    facts: SHOPIFY.facts,
    keys: secrets.map(secret => hmacKey(secret, { algorithm: 'sha256', encoding: 'base64' })),
    read(delivery) {
      const signature = onlyHeader(delivery, `${setOf(delivery)}hmac-sha256`)
      return signature === undefined ? null : { signatures: [signature], contents: [[delivery.body]] }
    },
    key(delivery) {
      const set = setOf(delivery)
      const header = (name: string) => headerKey(set + name)(delivery)
      const [topic, byDelivery] = [header('topic'), keyBy === 'delivery' ? header('webhook-id') : null]
      // Of the Events API no more than the event's id is known to be always there.
      const id = byDelivery ?? (keyBy === 'event' || set === EVENTS ? header('event-id') : null)
      return topic === null || id === null ? null : joinedKey([topic, id])
    },
    // With the topic: one change of an order comes under several, and its body can be the same.
    boundContent: delivery => [delivery.header(`${setOf(delivery)}topic`) ?? '', delivery.body],
    write: ({ body, id }, sign) => [
      ['x-shopify-topic', 'orders/updated'],
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
