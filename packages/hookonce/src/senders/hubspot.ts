import type { Delivery } from '../http/delivery.js'
import { aNumber, aText, oneOf } from '../util/options.js'
import { exactJsonOf, onlyHeader, unixMillis } from './primitives/delivery-values.js'
import { DAY_MS } from './primitives/durations.js'
import { contentKey } from './primitives/event-key.js'
import { fieldType } from './primitives/event-type.js'
import { jsonExample } from './primitives/examples.js'
import { publicUrl } from './primitives/public-url.js'
import { checkSender } from './primitives/sender-options.js'
import { type Content, hashKey, hmacKey } from './primitives/signing-keys.js'
import { defineSender, type Sender, type SenderKind } from './sender.js'

export const HUBSPOT: SenderKind = {
  facts: {
    name: 'hubspot',
    title: 'HubSpot',
    secret: 'the app’s settings → Auth → Client secret: the text that it is',
    signature:
      '`X-HubSpot-Signature-v3` and `X-HubSpot-Request-Timestamp`: HMAC-SHA256 over method, URL, body and timestamp (ms), base64',
    key: 'of every item in the body `portalId`, `subscriptionId`, `objectId`, `eventId` and `occurredAt`, which are signed',
    redelivery: 'it keeps every item but for `attemptNumber`, which does not count, and is answered from the record',
    deadlineMs: 5_000,
    retryHorizonMs: DAY_MS,
    retries: 'up to 10 over 24 hours, after 4xx too',
    success: 'any 2xx',
    pitfalls: [
      'The URL is signed. It must be given letter for letter as HubSpot has it, with its query.',
      '`attemptNumber` in the body counts the retries, so that a retry’s bytes differ: it is the duplicate that it is.',
      'Up to 100 items come together. They are one operation here: all of it is recorded, or all of it is tried again.',
    ],
    pages: ['https://developers.hubspot.com/docs/api/webhooks/validating-requests'],
  },
  create: ({ secrets, publicUrl: url }) => hubspot({ secrets, url: publicUrl('hubspot', url) }),
  examples({ id, now }) {
    const event = (type: string, own: object = {}) =>
      jsonExample(type, [
        {
          eventId: id,
          subscriptionId: 12345,
          portalId: 62515,
          occurredAt: now,
          subscriptionType: type,
          attemptNumber: 0,
          objectId: 123,
          changeSource: 'CRM',
          ...own,
        },
      ])
    return [
      event('contact.creation'),
      event('contact.propertyChange', { propertyName: 'lifecyclestage', propertyValue: 'customer' }),
      event('deal.creation'),
    ]
  },
}

export interface HubspotOptions {
  /** The app's client secret. */
  secrets: readonly string[]
  /** The target URL exactly as it is set at HubSpot. */
  url: string
  /**
   * The version of the signature that is verified. Default `v3`. The older ones are plain hashes without a timestamp,
   * whose content can be extended, and `v1` does not cover the URL: use them only if HubSpot sends nothing else.
   */
  version?: 'v1' | 'v2' | 'v3'
  /** How old a signature of `v3` may be, and how far ahead. Default 5 minutes. */
  toleranceMs?: number
}

/**
 * @example
 * receiver.source({
 *   name: 'hubspot',
 *   sender: hubspot({ secrets: [process.env.HUBSPOT_SECRET!], url: 'https://hooks.example.com/hooks/hubspot' }),
 * })
 *
 * @throws {ConfigurationError} `url` is not absolute
 */
export function hubspot(options: HubspotOptions): Sender {
  checkSender(HUBSPOT.facts, options, 'secrets', { url: aText, version: oneOf('v1', 'v2', 'v3'), toleranceMs: aNumber })
  const { secrets, url, version = 'v3', toleranceMs } = options
  publicUrl('hubspot', url)
  const common = { facts: HUBSPOT.facts, key: keyOf, type: fieldType('0.subscriptionType') }
  if (version !== 'v3') {
    const contentOf = (method: string, body: Uint8Array): Content => (version === 'v1' ? [body] : [method, url, body])
    return defineSender({
      ...common,
      keys: secrets.map(secret => hashKey(secret, { algorithm: 'sha256' })),
      read(delivery) {
        const signature = onlyHeader(delivery, OLD_SIGNATURE)
        return signature === undefined
          ? null
          : { signatures: [signature], contents: [contentOf(delivery.method, delivery.body)] }
      },
      write: ({ body, method }, sign) => [[OLD_SIGNATURE, sign(contentOf(method, body))]],
    })
  }
  const signedUrl = decodedForV3(url)
  return defineSender({
    ...common,
    keys: secrets.map(secret => hmacKey(secret, { algorithm: 'sha256', encoding: 'base64' })),
    toleranceMs,
    read(delivery) {
      const [signature, timestamp] = [SIGNATURE, TIMESTAMP].map(name => onlyHeader(delivery, name))
      return signature === undefined || timestamp === undefined
        ? null
        : { signatures: [signature], contents: [[delivery.method, signedUrl, delivery.body, timestamp]] }
    },
    sentAt: delivery => unixMillis(onlyHeader(delivery, TIMESTAMP)),
    write: ({ body, method, now }, sign) => [
      [SIGNATURE, sign([method, signedUrl, body, String(now)])],
      [TIMESTAMP, String(now)],
    ],
  })
}

const SIGNATURE = 'x-hubspot-signature-v3'
const TIMESTAMP = 'x-hubspot-request-timestamp'
const OLD_SIGNATURE = 'x-hubspot-signature'

/** HubSpot signs the URL with these characters decoded and all others as they are. */
const decodedForV3 = (url: string): string =>
  url.replace(/%(3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)/gi, decodeURIComponent)

const IDENTITY = ['portalId', 'subscriptionId', 'objectId', 'eventId', 'occurredAt']

function keyOf(delivery: Delivery): string {
  const items = exactJsonOf(delivery)
  const named =
    Array.isArray(items) && items.length > 0 && items.every(item => typeof item === 'object' && item !== null)
  return contentKey(named ? items.flatMap(nameOf) : [delivery.body])
}

/** The key of an item of another kind is a digest of it without its count of retries. */
function nameOf({ attemptNumber: _, ...item }: Record<string, unknown>): string[] {
  return IDENTITY.every(field => item[field] !== undefined)
    ? IDENTITY.map(field => String(item[field]))
    : [JSON.stringify(item)]
}
