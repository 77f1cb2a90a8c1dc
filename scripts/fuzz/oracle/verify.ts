import { createHash, createHmac, createPublicKey, type KeyObject, verify as verifySignature } from 'node:crypto'
import { parse, stringify } from 'node:querystring'
import type { FuzzSource } from '../sources.js'

/** A request's parts that a signature can be over. */
export interface Signed {
  headers: [name: string, value: string][]
  /** With its question mark, or nothing. */
  query: string
  body: Buffer
}

/** `unsure`: genuine by its content, in a form that a receiver may refuse. */
export type Verdict = 'genuine' | 'unsure' | 'foreign'

/** Whether the sender of a source signed this, by its documentation alone. `now`: ms since the epoch. */
export function verify(source: FuzzSource, signed: Signed, now: number): Verdict {
  const fields = new Fields(signed.headers)
  const verdict = SCHEMES[source.name]!({ ...source, ...signed, fields, now })
  return verdict === 'genuine' && fields.unsure ? 'unsure' : verdict
}

/** What makes two genuine deliveries of a source one. */
export function identityOf(source: FuzzSource, signed: Signed): string {
  return createHash('sha256')
    .update(IDENTITIES[source.name]?.(signed) ?? signed.body)
    .digest('base64url')
}

const only = ({ headers }: Signed, header: string): string => headers.find(([name]) => name === header)?.[1] ?? ''

/** Where it is not the body. */
const IDENTITIES: Record<string, (signed: Signed) => string | undefined> = {
  twilio: ({ query, body }) => JSON.stringify([parse(query.slice(1)), twilioFields(body)]),
  // Whoever has the token says what is one.
  gitlab: signed => only(signed, 'idempotency-key'),
  // What bears no name of its own is told apart by its time.
  slack: signed => {
    const isNamed =
      typeof eventIdIn(signed.body) === 'string' || new URLSearchParams(signed.body.toString()).has('trigger_id')
    return isNamed ? undefined : only(signed, 'x-slack-request-timestamp') + signed.body.toString('latin1')
  },
}

function eventIdIn(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)).event_id
  } catch {
    return undefined
  }
}

/** The header fields of a request, asked for by name. */
class Fields {
  readonly #all: [string, string][]
  unsure = false

  constructor(all: [string, string][]) {
    this.#all = all
  }

  /** The field's value; nothing where several contradict each other. */
  only(name: string): string | undefined {
    const [value, ...others] = this.all(name)
    return others.every(other => other === value) ? value : undefined
  }

  all(name: string): string[] {
    const values = this.#all.flatMap(([each, value]) => (each === name ? [value] : []))
    if (values.length > 1) this.unsure = true
    return values
  }

  has(name: string): boolean {
    return this.#all.some(([each]) => each === name)
  }
}

type Asked = Signed & FuzzSource & { fields: Fields; now: number }

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')

const mac = (
  algorithm: string,
  key: string | Buffer,
  form: 'hex' | 'base64',
  ...parts: (string | Buffer)[]
): string => {
  const hmac = createHmac(algorithm, key)
  for (const part of parts) hmac.update(typeof part === 'string' ? latin1(part) : part)
  return hmac.digest(form)
}

const genuineIf = (is: boolean): Verdict => (is ? 'genuine' : 'foreign')

/** Every sender's tolerance is at least the one, whatever lies between sending and being looked at, and at most the other. */
const [TIMELY_MS, UNTIMELY_MS] = [270_000, 1_800_000]

/** A verdict on a signature that is right: whether its time is. */
function timely(seconds: string | undefined, now: number): Verdict {
  if (seconds === undefined || !/^[0-9]{1,12}$/.test(seconds)) return 'foreign'
  const off = Math.abs(Number(seconds) * 1000 - now)
  if (off > UNTIMELY_MS) return 'foreign'
  return off > TIMELY_MS ? 'unsure' : 'genuine'
}

/** A header of `name=value` fields: a time and signatures over time, mark and body. */
function fieldsOf(
  { fields, body, secret, now }: Asked,
  header: string,
  names: [separator: string, time: string, signature: string, mark: string],
): Verdict {
  const [separator, time, signature, mark] = names
  const pairs = (fields.only(header) ?? '').split(separator).map(pair => pair.trim().split('='))
  const valuesOf = (name: string) => pairs.flatMap(([each, value]) => (each === name && value ? [value] : []))
  const [sentAt, second] = valuesOf(time)
  if (sentAt === undefined || second !== undefined) return 'foreign'
  const signatures = valuesOf(signature)
  if (!signatures.includes(mac('sha256', secret, 'hex', sentAt, mark, body))) return 'foreign'
  if (signatures.length > 10 || pairs.some(({ length }) => length !== 2)) fields.unsure = true
  return timely(sentAt, now)
}

/** A digest over the body alone. */
const overBody = ({ fields, secret, body }: Asked, header: string, form: 'hex' | 'base64', prefix = ''): Verdict =>
  genuineIf(fields.only(header) === prefix + mac('sha256', secret, form, body))

const SCHEMES: Record<string, (asked: Asked) => Verdict> = {
  stripe: asked => fieldsOf(asked, 'stripe-signature', [',', 't', 'v1', '.']),
  paddle: asked => fieldsOf(asked, 'paddle-signature', [';', 'ts', 'h1', ':']),
  github: asked => overBody(asked, 'x-hub-signature-256', 'hex', 'sha256='),
  square: ({ fields, secret, publicUrl, body }) =>
    genuineIf(fields.only('x-square-hmacsha256-signature') === mac('sha256', secret, 'base64', publicUrl, body)),

  shopify(asked) {
    // Its newer interface has another set of names, and whoever sends both is believed in one.
    if (asked.fields.has('shopify-hmac-sha256')) asked.fields.unsure = true
    const own = overBody(asked, 'x-shopify-hmac-sha256', 'base64')
    return own === 'foreign' ? overBody(asked, 'shopify-hmac-sha256', 'base64') : own
  },

  slack({ fields, secret, body, now }) {
    const sentAt = fields.only('x-slack-request-timestamp')
    const expected = `v0=${mac('sha256', secret, 'hex', `v0:${sentAt}:`, body)}`
    return fields.only('x-slack-signature') === expected ? timely(sentAt, now) : 'foreign'
  },

  'standard-webhooks'({ fields, secret, body, now }) {
    const [id, sentAt, signatures] = ['id', 'timestamp', 'signature'].map(name => fields.only(`webhook-${name}`))
    if (id === undefined || sentAt === undefined || signatures === undefined || id.includes('.')) return 'foreign'
    const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
    const given = signatures.split(' ')
    if (given.length > 10) fields.unsure = true
    return given.includes(`v1,${mac('sha256', key, 'base64', `${id}.${sentAt}.`, body)}`)
      ? timely(sentAt, now)
      : 'foreign'
  },

  gitlab: ({ fields, secret }) => genuineIf(fields.only('x-gitlab-token') === secret),

  'discord-events'({ fields, secret, body, now }) {
    const [signature, sentAt] = ['ed25519', 'timestamp'].map(name => fields.only(`x-signature-${name}`))
    if (signature === undefined || sentAt === undefined || !/^[0-9a-f]{128}$/.test(signature)) return 'foreign'
    const content = Buffer.concat([latin1(sentAt), body])
    return verifySignature(null, content, ed25519(secret), Buffer.from(signature, 'hex'))
      ? timely(sentAt, now)
      : 'foreign'
  },

  twilio({ fields, secret, publicUrl, query, body }) {
    const isForm = fields.all('content-type').some(type => /^application\/x-www-form-urlencoded\b/i.test(type))
    const signature = fields.only('x-twilio-signature')
    const over = (url: string) => signature === mac('sha1', secret, 'base64', Buffer.from(url + twilioFields(body)))
    if (!isForm && body.length > 0) return 'foreign'
    if (over(publicUrl + query)) return 'genuine'
    // It is known to write queries in other ways than they arrive.
    const canonical = new URL(publicUrl + query)
    const rewritten = [
      canonical.href,
      `${publicUrl}?${canonical.searchParams}`,
      `${publicUrl}?${stringify(parse(query.slice(1)))}`,
    ]
    return rewritten.some(over) ? 'unsure' : 'foreign'
  },
}

const ed25519Keys = new Map<string, KeyObject>()

function ed25519(hex: string): KeyObject {
  const known = ed25519Keys.get(hex)
  if (known !== undefined) return known
  const spki = Buffer.from(`302a300506032b6570032100${hex}`, 'hex')
  const key = createPublicKey({ key: spki, format: 'der', type: 'spki' })
  ed25519Keys.set(hex, key)
  return key
}

/** The fields of a form in order, each name before its value; one that stands twice with one value counts once. */
function twilioFields(body: Buffer): string {
  const pairs = [...new URLSearchParams(body.toString())]
  const all = pairs.map(([name, value]) => ({ name, value }))
  all.sort((one, other) => order(one.name, other.name) || order(one.value, other.value))
  return all
    .filter(({ name, value }, at) => at === 0 || all[at - 1]!.name !== name || all[at - 1]!.value !== value)
    .map(({ name, value }) => name + value)
    .join('')
}

const order = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0)
