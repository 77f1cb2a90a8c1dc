import { ConfigurationError } from '../errors.js'
import type { Delivery } from '../http/delivery.js'
import type { HandlerResponse } from '../http/response.js'
import { aText } from '../util/options.js'
import { plainText } from './primitives/answers.js'
import { exactJsonOf, onlyHeader } from './primitives/delivery-values.js'
import { DAY_MS } from './primitives/durations.js'
import { contentKey } from './primitives/event-key.js'
import { fieldType } from './primitives/event-type.js'
import { jsonExample } from './primitives/examples.js'
import { traitsOf } from './primitives/secrets.js'
import { checkSender } from './primitives/sender-options.js'
import { equalText, hmacKey } from './primitives/signing-keys.js'
import { defineSender, type Sender, type SenderKind } from './sender.js'

export const META: SenderKind = {
  facts: {
    name: 'meta',
    title: 'Meta (WhatsApp, Messenger, Instagram)',
    secret: 'App Dashboard → App settings → Basic → App secret. The verify token is a word of your own, typed in there',
    signature: '`X-Hub-Signature-256: sha256=…`: HMAC-SHA256 over the body, hex',
    key: 'the ids of the messages in the body, of a status its id and state; the whole body where an item has no id. Signed',
    redelivery: 'it keeps the ids (not verified), and is answered from the record',
    deadlineMs: null,
    retryHorizonMs: 7 * DAY_MS,
    retries: 'at once, then more and more rarely for 36 hours; WhatsApp for up to 7 days',
    success: '200',
    pitfalls: [
      'A delivery may hold several changes. It is one operation here: all of it is recorded, or all of it is tried again.',
      'The body writes non-ASCII as `\\u…`. A signature over parsed and re-written JSON does not match; here the bytes are verified.',
      'Nothing is timestamped in the signature: a captured delivery is a duplicate here for as long as results are kept.',
      'Its GET with the verify token is answered here; the handler does not see it. Access logs that write queries write the token.',
    ],
    pages: ['https://developers.facebook.com/docs/graph-api/webhooks/getting-started'],
  },
  create({ secrets, verifyToken }) {
    if (verifyToken === undefined) throw new ConfigurationError('meta: the verify token is needed')
    return meta({ secrets, verifyToken })
  },
  examples({ id, now }) {
    const timestamp = String(Math.floor(now / 1000))
    const event = (type: string, own: object) =>
      jsonExample(type, {
        object: 'whatsapp_business_account',
        entry: [
          {
            id: '102290129340398',
            changes: [
              {
                field: 'messages',
                value: {
                  messaging_product: 'whatsapp',
                  metadata: { display_phone_number: '15550783881', phone_number_id: '106540352242922' },
                  ...own,
                },
              },
            ],
          },
        ],
      })
    return [
      event('messages', { messages: [{ from: '16505551234', id, timestamp, type: 'text', text: { body: 'Hi' } }] }),
      event('statuses', { statuses: [{ id, status: 'delivered', timestamp, recipient_id: '16505551234' }] }),
    ]
  },
}

export interface MetaOptions {
  /** The app's secret. */
  secrets: readonly string[]
  /** The verify token of the App Dashboard, beside the callback URL. */
  verifyToken: string
}

/**
 * @example
 * receiver.source({
 *   name: 'whatsapp',
 *   sender: meta({ secrets: [process.env.META_APP_SECRET!], verifyToken: process.env.META_VERIFY_TOKEN! }),
 * })
 *
 * @throws {ConfigurationError} the verify token is empty, or a single character
 */
export function meta(options: MetaOptions): Sender {
  checkSender(META.facts, options, 'secrets', { verifyToken: aText })
  const { secrets, verifyToken } = options
  traitsOf(verifyToken, 'meta: the verify token')
  return defineSender({
    facts: META.facts,
    type: fieldType('object'),
    keys: secrets.map(secret => hmacKey(secret, { algorithm: 'sha256', encoding: 'hex', prefix: 'sha256=' })),
    read(delivery) {
      const signature = onlyHeader(delivery, SIGNATURE)
      return signature === undefined ? null : { signatures: [signature], contents: [[delivery.body]] }
    },
    key: delivery => contentKey(namesIn(exactJsonOf(delivery)) ?? [delivery.body]),
    unsignedHandshake: delivery => subscription(delivery, verifyToken),
    success: [200],
    write: ({ body }, sign) => [[SIGNATURE, sign([body])]],
  })
}

const SIGNATURE = 'x-hub-signature-256'

/** The challenge is answered only with the right token. A parameter that occurs twice is invalid. */
function subscription({ method, url, path }: Delivery, verifyToken: string): HandlerResponse | null {
  if (method !== 'GET') return null
  const query = new URLSearchParams(url.slice(path.length))
  const only = (name: string) => (query.getAll(name).length === 1 ? query.get(name)! : '')
  if (!query.has('hub.mode')) return null
  return only('hub.mode') === 'subscribe' && equalText(only('hub.verify_token'), verifyToken)
    ? plainText(only('hub.challenge'))
    : plainText('Forbidden', 403)
}

// biome-ignore lint/suspicious/noExplicitAny: the sender's JSON
type Json = any

/** The ids of a delivery's items, or `undefined` if an item has none. */
function namesIn(body: Json): string[] | undefined {
  const names: string[] = []
  for (const entry of listOf(body?.entry)) {
    const items = [...listOf(entry?.changes).flatMap(whatsapp), ...listOf(entry?.messaging).map(messenger)]
    for (const item of items) {
      if (item === undefined || !item.every(part => typeof part === 'string')) return undefined
      // Two accounts of one app may each receive the same message.
      names.push(String(entry.id), ...item)
    }
    if (items.length === 0) return undefined
  }
  return names.length === 0 ? undefined : names
}

/** The parts of an item's id, which must all be strings. */
type Name = unknown[] | undefined

function whatsapp(change: Json): Name[] {
  const [messages, statuses] = [listOf(change?.value?.messages), listOf(change?.value?.statuses)]
  if (change?.field !== 'messages' || messages.length + statuses.length === 0) return [undefined]
  return [
    ...messages.map(message => ['message', message?.id]),
    ...statuses.map(status => ['status', status?.id, status?.status]),
  ]
}

/** In a conversation, only a message has an id of its own. */
function messenger(item: Json): Name {
  return item?.message?.is_deleted ? undefined : ['message', item?.message?.mid]
}

const listOf = (value: unknown): Json[] => (Array.isArray(value) ? value : [])
