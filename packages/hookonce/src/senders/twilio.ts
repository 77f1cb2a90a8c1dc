import { createHash } from 'node:crypto'
import { parse, stringify } from 'node:querystring'
import type { Delivery } from '../http/delivery.js'
import { aText } from '../util/options.js'
import { formOf, onlyHeader } from './primitives/delivery-values.js'
import { contentKey, headerLabel } from './primitives/event-key.js'
import { formExample } from './primitives/examples.js'
import { publicUrl } from './primitives/public-url.js'
import { checkSender } from './primitives/sender-options.js'
import { type Content, hmacKey } from './primitives/signing-keys.js'
import { type Claim, defineSender, type Sender, type SenderKind } from './sender.js'

export const TWILIO: SenderKind = {
  facts: {
    name: 'twilio',
    title: 'Twilio',
    secret: 'Console → Account → Auth Token, as the text that it is',
    signature:
      '`X-Twilio-Signature`: HMAC-SHA1 over the URL and the form’s fields in the order of their names, base64; of other bodies the URL has a digest, `bodySHA256`',
    key: 'a digest of what is signed: URL and fields; the header `I-Twilio-Idempotency-Token` is not, and is a label',
    redelivery:
      'it keeps the token and, as far as is known, URL and fields (not verified), and is answered from the record; whether the port is signed or not makes no difference',
    deadlineMs: 15_000,
    retryHorizonMs: null,
    retries: 'one, unless the URL asks for others (`#rc=`)',
    success: 'any 2xx',
    pitfalls: [
      'The URL is signed as Twilio was registered it. Scheme, host and path are taken from the setting, never from `Host`; the query from the delivery.',
      'Twilio signs a port or leaves it out, and escapes the query in more than one way: each way is tried.',
      'Set the webhook’s method to POST: GET is refused.',
      'Two requests with the same content are one, whatever their tokens. Where a call can ask the same twice (a menu that comes again), tell the turns apart in the URL’s query.',
    ],
    pages: [
      'https://www.twilio.com/docs/usage/webhooks/webhooks-security',
      'https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides',
    ],
  },
  create: ({ secrets, publicUrl: url }) => twilio({ secrets, url: publicUrl('twilio', url) }),
  examples({ id }) {
    const between = { From: '+15005550006', To: '+15005550001' }
    return [
      formExample('message-status', { MessageSid: id, MessageStatus: 'delivered', ...between }),
      formExample('incoming-message', { MessageSid: id, Body: 'hello', NumMedia: '0', ...between }),
      formExample('incoming-call', { CallSid: id, CallStatus: 'ringing', Direction: 'inbound', ...between }),
    ]
  },
}

export interface TwilioOptions {
  /** The account's auth tokens. */
  secrets: readonly string[]
  /** The URL exactly as it is set at Twilio. Its query is ignored: a delivery's own is signed. */
  url: string
}

/**
 * @example
 * receiver.source({
 *   name: 'twilio',
 *   sender: twilio({ secrets: [process.env.TWILIO_AUTH_TOKEN!], url: 'https://example.com/hooks/twilio' }),
 * })
 */
export function twilio(options: TwilioOptions): Sender {
  checkSender(TWILIO.facts, options, 'secrets', { url: aText })
  const { secrets, url } = options
  const registered = publicUrl('twilio', url).replace(/[?#].*$/s, '')
  const keys = secrets.map(secret => hmacKey(secret, { algorithm: 'sha1', encoding: 'base64' }))

  function read(delivery: Delivery): Claim | null {
    const signature = onlyHeader(delivery, SIGNATURE)
    if (signature === undefined) return null
    const query = queryOf(delivery.url)
    const fields = signedFields(query, delivery.body, formOf(delivery))
    const contents = fields === undefined ? [] : formsOf(registered + query).map(form => [form, fields])
    return { signatures: [signature], contents }
  }

  /** The candidate text that the signature covers. */
  function signedContent(delivery: Delivery): Content | undefined {
    const { signatures = [], contents = [] } = read(delivery) ?? {}
    return contents.find(content => keys.some(key => key.over(content)(signatures[0] ?? '')))
  }

  return defineSender({
    facts: TWILIO.facts,
    keys,
    read,
    // The whole text, not its fields: names and values are signed without separators, so that one text can be split
    // into other fields.
    key(delivery) {
      const content = signedContent(delivery)
      return content === undefined ? null : contentKey([withoutPort(content.join(''))])
    },
    label: headerLabel(TOKEN),
    write({ url: to, body, id }, sign) {
      const query = queryOf(to)
      const fields = signedFields(query, body, new URLSearchParams(Buffer.from(body).toString())) ?? ''
      return [
        [TOKEN, id],
        [SIGNATURE, sign([registered + query, fields])],
      ]
    },
  })
}

const SIGNATURE = 'x-twilio-signature'
const TOKEN = 'i-twilio-idempotency-token'

/** Far more than Twilio sends. Bounds the time to sort the fields of an unverified delivery. */
const MAX_FIELDS = 1_000

function queryOf(url: string): string {
  const start = url.indexOf('?')
  return start === -1 ? '' : url.slice(start)
}

/** The body's fields as they are signed, or `undefined` if the signature does not cover the body. */
function signedFields(query: string, body: Uint8Array, form: URLSearchParams): string | undefined {
  const digest = new URLSearchParams(query).get('bodySHA256')
  if (digest !== null) return digest === createHash('sha256').update(body).digest('hex') ? '' : undefined
  if (form.size === 0) return body.length === 0 ? '' : undefined
  if (form.size > MAX_FIELDS) return undefined
  const fields = new Map<string, Set<string>>()
  for (const [name, value] of form) {
    const values = fields.get(name)
    if (values === undefined) fields.set(name, new Set([value]))
    else values.add(value)
  }
  let text = ''
  for (const name of [...fields.keys()].sort()) {
    for (const value of [...fields.get(name)!].sort()) text += name + value
  }
  return text
}

/** The forms of a URL that Twilio's systems are known to sign. */
function formsOf(url: string): string[] {
  const escaped = new URL(url).href
  const [path, query] = escaped.split(/\?(.*)/s, 2)
  const again = query ? `${path}?${stringify(parse(query))}` : escaped
  return [...new Set([url, escaped, again].flatMap(form => [withoutPort(form), withPort(form)]))]
}

const AUTHORITY = /^(https?:)(\/\/(?:[^/?#]*@)?(?:\[[^\]]*\]|[^:/?#]*))(:\d*)?/i

const withoutPort = (url: string): string => url.replace(AUTHORITY, '$1$2')

const withPort = (url: string): string =>
  url.replace(AUTHORITY, (given, scheme: string, host: string, port?: string) =>
    port === undefined ? `${scheme}${host}${scheme.toLowerCase() === 'https:' ? ':443' : ':80'}` : given,
  )
