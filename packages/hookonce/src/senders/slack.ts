import { aNumber } from '../util/options.js'
import { plainText } from './primitives/answers.js'
import { formOf, jsonOf, onlyHeader, unixSeconds } from './primitives/delivery-values.js'
import { MINUTE_MS } from './primitives/durations.js'
import { contentKey, fieldKey, textKey } from './primitives/event-key.js'
import { fieldType } from './primitives/event-type.js'
import { formExample, jsonExample } from './primitives/examples.js'
import { checkSender } from './primitives/sender-options.js'
import { hmacKey } from './primitives/signing-keys.js'
import { defineSender, type Sender, type SenderKind } from './sender.js'

export const SLACK: SenderKind = {
  facts: {
    name: 'slack',
    title: 'Slack',
    secret: 'the app → Basic Information → Signing Secret, as the text that it is',
    signature: '`X-Slack-Signature: v0=…`: HMAC-SHA256 over `v0:{X-Slack-Request-Timestamp}:{body}`, hex',
    key: 'the field `event_id` of an event, the `trigger_id` of a slash command or an interaction; of what has neither, timestamp and body. All are signed',
    redelivery:
      'of an event it keeps `event_id`, with a new timestamp and signature (not verified), and is answered from the record; commands and interactions are not sent again',
    deadlineMs: 3_000,
    retryHorizonMs: 6 * MINUTE_MS,
    retries: 'of events three: at once, after 1 and after 5 minutes',
    success: 'any 2xx',
    pitfalls: [
      'Three seconds are short: accept events into an inbox and work afterwards.',
      'Do not drop a delivery for its `X-Slack-Retry-Num`: the first may never have arrived.',
      'The challenge that Slack sends when the URL is set is answered here, once it is verified; so is its check of the certificate (`ssl_check`), which it does not sign. Neither runs anything.',
      'A response with the header `X-Slack-No-Retry: 1` ends the retries of an event.',
    ],
    pages: [
      'https://docs.slack.dev/authentication/verifying-requests-from-slack',
      'https://docs.slack.dev/apis/events-api/',
    ],
  },
  create: ({ secrets }) => slack({ secrets }),
  examples({ id, now }) {
    const ts = (now / 1000).toFixed(6)
    const event = (type: string, own: object) =>
      jsonExample(type, {
        type: 'event_callback',
        team_id: 'T1',
        api_app_id: 'A1',
        event_id: id,
        event_time: Math.floor(now / 1000),
        event: { type, user: 'U1', ...own },
      })
    return [
      event('app_mention', { channel: 'C1', text: 'hello', ts }),
      event('message', { channel: 'C1', channel_type: 'channel', text: 'hello', ts }),
      event('reaction_added', { reaction: 'thumbsup', item: { type: 'message', channel: 'C1', ts }, event_ts: ts }),
      formExample('slash_command', { command: '/hello', text: 'world', team_id: 'T1', user_id: 'U1', trigger_id: id }),
    ]
  },
}

export interface SlackOptions {
  /** The app's signing secrets. */
  secrets: readonly string[]
  /** How old a request may be, and how far ahead. Default 5 minutes. */
  toleranceMs?: number
}

/**
 * Events, slash commands and interactions of an app.
 *
 * @example
 * receiver.source({ name: 'slack', sender: slack({ secrets: [process.env.SLACK_SIGNING_SECRET!] }) })
 */
export function slack(options: SlackOptions): Sender {
  checkSender(SLACK.facts, options, 'secrets', { toleranceMs: aNumber })
  const { secrets, toleranceMs } = options
  return defineSender({
    facts: SLACK.facts,
    type: fieldType('event.type', 'type'),
    keys: secrets.map(secret => hmacKey(secret, { algorithm: 'sha256', encoding: 'hex', prefix: 'v0=' })),
    toleranceMs,
    read(delivery) {
      const [signature, timestamp] = [onlyHeader(delivery, SIGNATURE), onlyHeader(delivery, TIMESTAMP)]
      if (signature === undefined || timestamp === undefined) return null
      return { signatures: [signature], contents: [['v0:', timestamp, ':', delivery.body]] }
    },
    sentAt: delivery => unixSeconds(onlyHeader(delivery, TIMESTAMP)),
    key: delivery =>
      eventId(delivery) ??
      triggerId(new URLSearchParams(Buffer.from(delivery.body).toString())) ??
      contentKey([onlyHeader(delivery, TIMESTAMP) ?? '', delivery.body]),
    handshake(delivery) {
      const { type, challenge } = jsonOf(delivery) ?? {}
      return type === 'url_verification' && typeof challenge === 'string' ? plainText(challenge) : null
    },
    unsignedHandshake: delivery =>
      delivery.header(SIGNATURE) === undefined && formOf(delivery).get('ssl_check') === '1' ? plainText('') : null,
    write({ body, now }, sign) {
      const timestamp = String(Math.floor(now / 1000))
      return [
        [TIMESTAMP, timestamp],
        [SIGNATURE, sign(['v0:', timestamp, ':', body])],
      ]
    },
  })
}

const SIGNATURE = 'x-slack-signature'
const TIMESTAMP = 'x-slack-request-timestamp'

const eventId = fieldKey('event_id')

/**
 * A slash command has it as a field, an interaction in the JSON of its field `payload`. `Content-Type` is not read,
 * because it is not signed.
 */
function triggerId(form: URLSearchParams): string | null {
  const id = form.get('trigger_id') ?? parsed(form.get('payload'))?.trigger_id
  return typeof id === 'string' && id !== '' ? textKey(id) : null
}

function parsed(payload: string | null): { trigger_id?: unknown } | null {
  try {
    return payload === null ? null : JSON.parse(payload)
  } catch {
    return null
  }
}
