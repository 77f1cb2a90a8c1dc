import type { Delivery } from '../http/delivery.js'
import { jsonResponse } from '../http/response.js'
import { aNumber } from '../util/options.js'
import { plainText } from './primitives/answers.js'
import { jsonOf, onlyHeader, unixSeconds } from './primitives/delivery-values.js'
import { MINUTE_MS } from './primitives/durations.js'
import { joinedKey } from './primitives/event-key.js'
import { jsonExample } from './primitives/examples.js'
import { checkSender } from './primitives/sender-options.js'
import { type Content, digestOf, hmacKey } from './primitives/signing-keys.js'
import { defineSender, type Sender, type SenderKind } from './sender.js'

/** Of the retries: after 5, 20 and 60 minutes. */
const HORIZON_MS = 85 * MINUTE_MS

export const ZOOM: SenderKind = {
  facts: {
    name: 'zoom',
    title: 'Zoom',
    secret: 'App Marketplace → the app → Features → Secret Token, as the text that it is',
    signature: '`x-zm-signature: v0=…`: HMAC-SHA256 over `v0:{x-zm-request-timestamp}:{body}`, hex',
    key: 'the fields `event` and `event_ts` of the body with a digest of it: Zoom names no event. All are signed',
    redelivery: 'it keeps the body (not verified), and is answered from the record',
    deadlineMs: 3_000,
    retryHorizonMs: HORIZON_MS,
    retries: '3: after 5, 20 and 60 minutes',
    success: '200 or 204',
    pitfalls: [
      'When the URL is set, and every 72 hours, Zoom asks for proof of the secret (`endpoint.url_validation`): that is answered here, once its signature is verified, and runs nothing.',
      'Only a token of letters, digits and `_ + / = -` is answered: the proof of any other text could be the signature of a forged event.',
      'Whether a retry has a new timestamp is not published, so that one is taken for 90 minutes, as long as Zoom retries. What was captured is a duplicate for longer than that, by its record.',
    ],
    pages: ['https://developers.zoom.us/docs/api/webhooks/', 'https://github.com/zoom/webhook-sample'],
  },
  create: ({ secrets }) => zoom({ secrets }),
  examples({ id, now }) {
    const event = (type: string, own: object = {}) =>
      jsonExample(type, {
        event: type,
        event_ts: now,
        payload: { account_id: 'account-1', object: { id: '1', uuid: id, topic: 'Weekly', ...own } },
      })
    return [
      event('meeting.started', { start_time: new Date(now).toISOString() }),
      event('meeting.ended', { end_time: new Date(now).toISOString() }),
      event('recording.completed', { recording_count: 1, total_size: 3388 }),
    ]
  },
}

export interface ZoomOptions {
  /** The app's secret tokens. */
  secrets: readonly string[]
  /** How old a request may be, and how far ahead. Default 90 minutes: retries may bear the first one's timestamp. */
  toleranceMs?: number
}

/**
 * @example
 * receiver.source({ name: 'zoom', sender: zoom({ secrets: [process.env.ZOOM_SECRET_TOKEN!] }) })
 */
export function zoom(options: ZoomOptions): Sender {
  checkSender(ZOOM.facts, options, 'secrets', { toleranceMs: aNumber })
  const { secrets, toleranceMs = HORIZON_MS + 5 * MINUTE_MS } = options
  const keys = secrets.map(secret => hmacKey(secret, { algorithm: 'sha256', encoding: 'hex', prefix: 'v0=' }))
  return defineSender({
    facts: ZOOM.facts,
    keys,
    toleranceMs,
    read(delivery) {
      const signature = onlyHeader(delivery, SIGNATURE)
      const timestamp = onlyHeader(delivery, TIMESTAMP)
      if (signature === undefined || timestamp === undefined) return null
      return { signatures: [signature], contents: [signed(timestamp, delivery.body)] }
    },
    sentAt: delivery => unixSeconds(onlyHeader(delivery, TIMESTAMP)),
    key(delivery) {
      const { event, event_ts } = jsonOf(delivery) ?? {}
      return typeof event === 'string' && Number.isSafeInteger(event_ts)
        ? joinedKey([event, String(event_ts), digestOf([delivery.body])])
        : null
    },
    handshake(delivery) {
      const { event, payload } = jsonOf(delivery) ?? {}
      if (event !== 'endpoint.url_validation') return null
      const plainToken = payload?.plainToken
      // During rotation, with the secret that signed the challenge.
      const key = keys.find(each => each.over(signedBy(delivery))(onlyHeader(delivery, SIGNATURE) ?? ''))
      if (key === undefined || typeof plainToken !== 'string' || !/^[A-Za-z0-9_+/=-]{1,256}$/.test(plainToken)) {
        return plainText('There is no plainToken in its form.', 400)
      }
      return jsonResponse({ plainToken, encryptedToken: key.sign([plainToken]).slice('v0='.length) })
    },
    success: [200, 204],
    write({ body, now }, sign) {
      const timestamp = String(Math.floor(now / 1000))
      return [
        [TIMESTAMP, timestamp],
        [SIGNATURE, sign(signed(timestamp, body))],
      ]
    },
  })
}

const SIGNATURE = 'x-zm-signature'
const TIMESTAMP = 'x-zm-request-timestamp'

const signed = (timestamp: string, body: Uint8Array): Content => ['v0:', timestamp, ':', body]
const signedBy = (delivery: Delivery): Content => signed(onlyHeader(delivery, TIMESTAMP) ?? '', delivery.body)
