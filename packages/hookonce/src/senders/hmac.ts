import { ConfigurationError } from '../errors.js'
import { aNumber, aText, oneOf, type Rules } from '../util/options.js'
import { onlyHeader, unixMillis, unixSeconds } from './primitives/delivery-values.js'
import { bodyKey } from './primitives/event-key.js'
import { jsonExample } from './primitives/examples.js'
import { type KeyPlace, keyPlace } from './primitives/key-place.js'
import { aKeyPlace, checkSender } from './primitives/sender-options.js'
import { type Content, hmacKey } from './primitives/signing-keys.js'
import { defineSender, type Sender, type SenderKind } from './sender.js'

export const HMAC: SenderKind = {
  facts: {
    name: 'hmac',
    title: 'A sender of your own, with HMAC',
    secret: 'what you and the sender agreed on: at least 32 random bytes',
    signature: '`X-Signature`: HMAC-SHA256 over the body, hex; in code every part of it can be another',
    key: 'a digest of the body, which is signed; the header `Idempotency-Key` is not, and is a label. In code a header that is signed, or a field of the body',
    redelivery:
      'it must keep the body byte for byte, or the header or field that is the key; a new timestamp makes no difference',
    deadlineMs: null,
    retryHorizonMs: null,
    retries: 'the sender’s own',
    success: 'any 2xx, unless the sender has it otherwise',
    pitfalls: [
      'Without a timestamp a captured delivery can be sent again at any time: it is a duplicate for as long as results are kept, and runs after that.',
      'Two events with the same body are one, whatever their headers say, unless the key is signed: sign it (`{id}` in `signed`), or have it in a field of the body.',
      'A field may hold any text, or a number of any length. What is not in the form of a key (visible ASCII, at most 255 bytes) is named by its digest, and the text is a label.',
    ],
    pages: ['https://www.rfc-editor.org/rfc/rfc2104'],
  },
  create: ({ secrets }) => hmac({ secrets }),
  examples: ({ id, now }) => [
    jsonExample('order.paid', { id, type: 'order.paid', created: new Date(now).toISOString(), data: { order: 1 } }),
  ],
}

export interface HmacOptions {
  /** A string is used as it is (UTF-8). If it encodes bytes (hex, base64), pass the bytes. */
  secrets: readonly (string | Uint8Array)[]
  /** The signature's header. Default `x-signature`. */
  header?: string
  /** Default `sha256`. */
  algorithm?: 'sha1' | 'sha256' | 'sha512'
  /** Default `hex`. */
  encoding?: 'hex' | 'base64'
  /** A prefix of the signature, e.g. `sha256=`. Default: none. */
  prefix?: string
  /**
   * The signed content: a template with `{body}` and, if they are signed, `{timestamp}` and `{id}` (the key's header).
   * Default `{body}`, with a timestamp `{timestamp}.{body}`. The separator between `{id}` and the rest must not occur
   * in an id.
   */
  signed?: string
  /** The header of the timestamp, a whole number. It must be signed. `unit`: default `s`. */
  timestamp?: { header: string; unit?: 's' | 'ms' }
  /**
   * Where the event's id is. It is the key if it is a field, or a header that is `{id}` in `signed`. A header that is
   * not signed becomes the label, and the key is a digest of the body. Default: `Idempotency-Key`, not signed.
   */
  key?: KeyPlace
  /** How far the timestamp may be from now, in both directions. Default 5 minutes. */
  toleranceMs?: number
}

const RULES: Rules = {
  header: aText,
  algorithm: oneOf('sha1', 'sha256', 'sha512'),
  encoding: oneOf('hex', 'base64'),
  prefix: aText,
  signed: aText,
  timestamp: {
    words: "{ header: 'name' }, with unit 's' or 'ms'",
    allows: value => {
      const { header, unit = 's', ...more } = (value ?? {}) as Record<string, unknown>
      return aText.allows(header) && (unit === 's' || unit === 'ms') && Object.keys(more).length === 0
    },
  },
  key: aKeyPlace,
  toleranceMs: aNumber,
}

/**
 * @example
 * receiver.source({
 *   name: 'shop',
 *   sender: hmac({
 *     secrets: [process.env.SHOP_SECRET!],
 *     header: 'x-shop-signature',
 *     timestamp: { header: 'x-shop-time' },
 *     signed: '{id}.{timestamp}.{body}',
 *     key: { header: 'x-shop-event' },
 *   }),
 * })
 *
 * @throws {ConfigurationError} `signed` lacks the body or the timestamp, or has an `{id}` without a header or a
 * separator
 */
export function hmac(given: HmacOptions): Sender {
  checkSender(HMAC.facts, given, 'secrets', RULES)
  const { secrets, timestamp, ...options } = given
  const { algorithm = 'sha256', encoding = 'hex', prefix = '', toleranceMs } = options
  const { signed = timestamp === undefined ? '{body}' : '{timestamp}.{body}' } = options
  const header = (options.header ?? 'x-signature').toLowerCase()
  const place = keyPlace(options.key)
  const timeHeader = timestamp?.header.toLowerCase()

  const parts = signed.split(/(\{body\}|\{timestamp\}|\{id\})/)
  const signs = (name: string) => parts.includes(`{${name}}`)
  if (!signs('body')) throw new ConfigurationError('hmac: signed must hold {body}')
  if (signs('timestamp') !== (timestamp !== undefined)) {
    throw new ConfigurationError('hmac: signed must hold {timestamp} if there is a timestamp header, and only then')
  }
  if (signs('id') && (options.key === undefined || place.header === undefined)) {
    throw new ConfigurationError('hmac: {id} in signed is the key’s header: say which in key')
  }
  const isWhole = signs('id') ? idParted(parts) : () => true

  /** `undefined`: a part is not there. */
  function content(body: Uint8Array, time: string | undefined, id: string | undefined): Content | undefined {
    const known: Record<string, string | Uint8Array | undefined> = { '{body}': body, '{timestamp}': time, '{id}': id }
    const filled = parts.map(part => (Object.hasOwn(known, part) ? known[part] : part))
    return filled.includes(undefined) ? undefined : (filled as Content)
  }

  return defineSender({
    facts: HMAC.facts,
    keys: secrets.map(secret => hmacKey(secret, { algorithm, encoding, prefix })),
    toleranceMs,
    read(delivery) {
      const signature = onlyHeader(delivery, header)
      const time = timeHeader && onlyHeader(delivery, timeHeader)
      const id = place.header && onlyHeader(delivery, place.header)
      const claimed = content(delivery.body, time, id)
      if (signature === undefined || claimed === undefined || !isWhole(id ?? '')) return null
      return { signatures: [signature], contents: [claimed] }
    },
    ...(timeHeader !== undefined && {
      sentAt: delivery => {
        const time = onlyHeader(delivery, timeHeader)
        return timestamp?.unit === 'ms' ? unixMillis(time) : unixSeconds(time)
      },
    }),
    key: signs('id') || place.header === undefined ? place.key : bodyKey(),
    label: place.label,
    write(event, sign) {
      if (!isWhole(event.id))
        throw new ConfigurationError('hmac: an id must not hold what parts it from the rest of signed')
      const time = timestamp?.unit === 'ms' ? String(event.now) : String(Math.floor(event.now / 1000))
      return [
        ...place.write(event),
        ...(timeHeader === undefined ? [] : [[timeHeader, time] as const]),
        [header, sign(content(event.body, time, event.id)!)],
      ]
    },
  })
}

/**
 * Checks that an id does not contain its separator. With the separator in it, the same signature covers a split into
 * another id and another body.
 */
function idParted(parts: readonly string[]): (id: string) => boolean {
  const [id, body] = [parts.indexOf('{id}'), parts.indexOf('{body}')]
  const mark = parts[id < body ? id + 1 : id - 1]!
  if (mark === '') throw new ConfigurationError('hmac: in signed {id} must be parted from the rest, as in {id}.{body}')
  return id < body ? text => (text + mark).indexOf(mark) === text.length : text => (mark + text).lastIndexOf(mark) === 0
}
