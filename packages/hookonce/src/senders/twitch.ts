import type { Delivery } from '../http/delivery.js'
import type { HandlerResponse } from '../http/response.js'
import { aNumber } from '../util/options.js'
import { plainText } from './primitives/answers.js'
import { jsonOf, onlyHeader, rfc3339 } from './primitives/delivery-values.js'
import { MINUTE_MS } from './primitives/durations.js'
import { headerKey } from './primitives/event-key.js'
import { headerType } from './primitives/event-type.js'
import { jsonExample } from './primitives/examples.js'
import { checkSender } from './primitives/sender-options.js'
import { hmacKey } from './primitives/signing-keys.js'
import { defineSender, type Sender, type SenderKind } from './sender.js'

export const TWITCH: SenderKind = {
  facts: {
    name: 'twitch',
    title: 'Twitch EventSub',
    secret: 'none is shown anywhere: the text that your program gave as `transport.secret` when it subscribed',
    signature:
      '`Twitch-Eventsub-Message-Signature: sha256=…`: HMAC-SHA256 over message id, timestamp and body, one after the other, hex',
    key: 'the header `Twitch-Eventsub-Message-Id`, which is signed',
    redelivery: 'it keeps the message id, and is answered from the record',
    deadlineMs: null,
    retryHorizonMs: null,
    retries: 'at least once; when and how often is not published',
    success: 'any 2xx',
    pitfalls: [
      'Its challenge is answered here, once it is verified; the handler does not see it.',
      'A revocation is an event: it runs as any other, so that the handler can subscribe again, and every 2xx acknowledges it. Look at `Twitch-Eventsub-Message-Type`.',
      'The type of the message is not signed. What is told by it should also be seen in the body.',
      'Too many failed deliveries revoke the subscription.',
    ],
    pages: ['https://dev.twitch.tv/docs/eventsub/handling-webhook-events'],
  },
  create: ({ secrets }) => twitch({ secrets }),
  examples({ id, now }) {
    const at = new Date(now).toISOString()
    const event = (type: string, version: string, own: object) =>
      jsonExample(type, { subscription: { id: 'f1c2a387-161a-49f9-a165-0f21d7a4e1c4', type, version }, event: own }, [
        ['twitch-eventsub-subscription-type', type],
      ])
    return [
      event('channel.follow', '2', { user_id: '1234', user_login: id, broadcaster_user_id: '1337', followed_at: at }),
      event('stream.online', '1', { id, broadcaster_user_id: '1337', type: 'live', started_at: at }),
    ]
  },
}

export interface TwitchOptions {
  /** The `transport.secret` of the subscription. */
  secrets: readonly string[]
  /** How old a message may be, and how far ahead. Default 10 minutes. */
  toleranceMs?: number
}

/**
 * @example
 * receiver.source({ name: 'twitch', sender: twitch({ secrets: [process.env.TWITCH_SECRET!] }) })
 */
export function twitch(options: TwitchOptions): Sender {
  checkSender(TWITCH.facts, options, 'secrets', { toleranceMs: aNumber })
  const { secrets, toleranceMs = 10 * MINUTE_MS } = options
  return defineSender({
    facts: TWITCH.facts,
    type: headerType('twitch-eventsub-subscription-type'),
    keys: secrets.map(secret => hmacKey(secret, { algorithm: 'sha256', encoding: 'hex', prefix: 'sha256=' })),
    toleranceMs,
    read(delivery) {
      const [id, timestamp, signature] = [ID, TIMESTAMP, SIGNATURE].map(name => onlyHeader(delivery, name))
      if (id === undefined || timestamp === undefined || signature === undefined) return null
      // There is no separator: with an id that extends into the JSON, the same signature covers another split.
      if (id.includes('{')) return null
      return { signatures: [signature], contents: [[id, timestamp, delivery.body]] }
    },
    sentAt: delivery => rfc3339(onlyHeader(delivery, TIMESTAMP)),
    key: headerKey(ID),
    handshake,
    write({ body, id, now }, sign) {
      const timestamp = new Date(now).toISOString()
      return [
        [ID, id],
        [TIMESTAMP, timestamp],
        [TYPE, 'notification'],
        [SIGNATURE, sign([id, timestamp, body])],
      ]
    },
  })
}

const ID = 'twitch-eventsub-message-id'
const TIMESTAMP = 'twitch-eventsub-message-timestamp'
const SIGNATURE = 'twitch-eventsub-message-signature'
const TYPE = 'twitch-eventsub-message-type'

function handshake(delivery: Delivery): HandlerResponse | null {
  if (onlyHeader(delivery, TYPE) !== 'webhook_callback_verification') return null
  const challenge = jsonOf(delivery)?.challenge
  return typeof challenge === 'string' ? plainText(challenge) : null
}
