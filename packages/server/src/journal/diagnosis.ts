import { Delivery } from 'hookonce'
import type { Sender } from 'hookonce/senders'
import type { ResolvedSource } from '../config/resolve.js'
import { bodyVariants } from './body-variants.js'
import { sendersByHeader, signedHeaders } from './signature-headers.js'

/** Why a delivery was refused, as far as its content tells. */
export interface Finding {
  code:
    | 'verifies_now'
    | 'timestamp_old'
    | 'timestamp_new'
    | 'timestamp_missing'
    | 'signature_missing'
    | 'other_signature'
    | 'other_source'
    | 'other_scheme'
    | 'body_changed'
    | 'secret_unknown'
    | 'signatures_too_many'
  /** A sentence. */
  text: string
}

/** Of a source. */
export interface SourceSenders extends Pick<ResolvedSource, 'otherSchemes'> {
  options: Pick<ResolvedSource['options'], 'sender'>
}

interface Suspect {
  delivery: Delivery
  sender: Sender
  /** When it was received, in ms since the epoch. */
  at: number
  /** The senders of the other sources, by the names of these. */
  otherSources: ReadonlyMap<string, Sender>
  /** Senders of other schemes with the same secrets. */
  otherSchemes: readonly Sender[]
}

/** A body that is larger is not tried in other forms: each is hashed. */
const MOST_VARIED_BYTES = 65_536

/**
 * The likely reasons why a source's sender refuses a delivery, most telling first; none: the source has no sender. Takes some
 * milliseconds.
 *
 * @param at when it was received, in ms since the epoch
 */
export function diagnose(
  sources: ReadonlyMap<string, SourceSenders>,
  source: string,
  delivery: Delivery,
  at: number,
): Finding[] {
  const { options, otherSchemes } = sources.get(source)!
  const { sender } = options
  if (sender === undefined) return []
  const others = [...sources].flatMap(
    ([
      name,
      {
        options: { sender: other },
      },
    ]) => (other === undefined || other === sender ? [] : [[name, other] as const]),
  )
  return findings({ delivery, sender, at, otherSources: new Map(others), otherSchemes: otherSchemes?.() ?? [] })
}

function findings(suspect: Suspect): Finding[] {
  const { delivery, sender, at } = suspect
  const refusal = sender.verify(delivery, at)
  switch (refusal) {
    case null:
      return [{ code: 'verifies_now', text: 'By the rules and secrets of now its signature is right.' }]
    case 'timestamp_old':
    case 'timestamp_new':
      return [{ code: refusal, text: untimely(suspect, refusal) }]
    case 'timestamp_missing':
      return [{ code: refusal, text: 'Its signature is right, and the timestamp is missing or unreadable.' }]
    case 'signatures_too_many':
      return [{ code: refusal, text: 'It has more signatures than an honest sender sends.' }]
    case 'signature_missing':
      return [...missing(suspect), ...misdirected(suspect)]
    case 'signature_wrong': {
      const found = [...misdirected(suspect), ...changed(suspect)]
      return found.length > 0 ? found : [unknownSecret(sender)]
    }
  }
}

function unknownSecret({ facts }: Sender): Finding {
  const text = `No likely change of the body explains it: it is probably signed with another secret. Where it is: ${facts.secret}.`
  return { code: 'secret_unknown', text }
}

/** Whether a sender made the signature, however old it is. */
const isSignedBy = (sender: Sender, delivery: Delivery, at: number): boolean =>
  !/^signature/.test(sender.verify(delivery, at) ?? '')

function untimely({ delivery, sender, at }: Suspect, refusal: 'timestamp_old' | 'timestamp_new'): string {
  const tolerance = durationText(sender.toleranceMs ?? 0)
  const sentAt = timesIn(delivery).find(time => sender.verify(delivery, time) === null)
  const way = refusal === 'timestamp_old' ? 'before' : 'after'
  const distance = sentAt === undefined ? `long ${way}` : `${durationText(Math.abs(at - sentAt))} ${way}`
  const cause =
    refusal === 'timestamp_old'
      ? 'a delivery that was held up or sent again as it was, or a clock that is wrong'
      : 'a clock that is wrong'
  return `Its signature is right, and it was signed ${distance} it came; ${tolerance} are allowed. The cause: ${cause}.`
}

/** Seconds and milliseconds since the epoch, and dates, in the headers and at the beginning of the body. */
function timesIn({ headers, body }: Delivery): number[] {
  const texts = [...headers.map(([, value]) => value), Buffer.from(body.subarray(0, 4096)).toString()]
  return texts.flatMap(text => [
    ...(text.match(/\b\d{13}\b/g) ?? []).map(Number),
    ...(text.match(/\b\d{10}\b/g) ?? []).map(seconds => Number(seconds) * 1000),
    ...(text.match(/\b\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:?\d\d)/g) ?? []).map(date => Date.parse(date)),
  ])
}

const UNITS: [string, number][] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
]

function durationText(ms: number): string {
  const [unit, length] = UNITS.find(([, length]) => ms >= 2 * length) ?? ['ms', 1]
  return `${Math.round(ms / length)} ${unit}`
}

function* missing({ delivery, sender }: Suspect): Generator<Finding> {
  const expected = signedHeaders(sender)
  const came = new Set(delivery.headers.map(([name]) => name))
  const absent = expected.filter(name => !came.has(name))
  if (absent.length > 0) {
    yield {
      code: 'signature_missing',
      text: `A header is missing that ${sender.facts.title} sends: ${absent.join(', ')}.`,
    }
  } else {
    yield {
      code: 'signature_missing',
      text: `There is no signature in the form of ${sender.facts.title}: ${sender.facts.signature}.`,
    }
  }
  const instead = [...came].filter(name => LIKE_A_SIGNATURE.test(name) && !expected.includes(name))
  if (instead.length === 0) return
  const titles = sendersByHeader(instead)
  const whose = titles.length > 0 ? `, as ${titles.join(' or ')} signs` : ''
  yield { code: 'other_signature', text: `In its place came ${instead.join(', ')}${whose}.` }
}

const LIKE_A_SIGNATURE = /signature|hmac|digest|^webhook-|^svix-|-token$|^authorization$/

function* misdirected({ delivery, at, otherSources, otherSchemes }: Suspect): Generator<Finding> {
  for (const [name, other] of otherSources) {
    if (!isSignedBy(other, delivery, at)) continue
    yield {
      code: 'other_source',
      text: `It is right for the source "${name}": the URL at the sender is probably wrong.`,
    }
  }
  for (const other of otherSchemes) {
    if (!isSignedBy(other, delivery, at)) continue
    const text = `It is right by this secret in the scheme of ${other.facts.title}: the sender of this source is probably wrong.`
    yield { code: 'other_scheme', text }
  }
}

function* changed({ delivery, sender, at }: Suspect): Generator<Finding> {
  const { body, method, url, headers } = delivery
  if (body.length > MOST_VARIED_BYTES) return
  for (const variant of bodyVariants(body)) {
    if (!isSignedBy(sender, new Delivery({ method, url, headers, body: variant.body }), at)) continue
    const cause = 'something between the sender and here parses the body and writes it again'
    yield { code: 'body_changed', text: `The signature is right for the body ${variant.change}: ${cause}.` }
    return
  }
}
