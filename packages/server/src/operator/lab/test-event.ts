import { type Answer, ConfigurationError, Delivery, type HeaderList, keyOf } from 'hookonce'
import { type EventExample, SENDERS, type Sender } from 'hookonce/senders'
import type { ResolvedSource } from '../../config/resolve.js'
import { serverProblem } from '../../http/problems.js'

/** Of a source without a sender. */
export const PLAIN_EXAMPLE: EventExample = {
  type: 'test.event',
  contentType: 'application/json',
  headers: [],
  body: '{"event": "test.event", "data": {"test": "data"}}',
}

/** The examples of a source's sender; a sender that is not of this package has none of its own. */
export function examplesOf({ options: { sender } }: ResolvedSource, id: string, now: number): readonly EventExample[] {
  return (sender && SENDERS.get(sender.facts.name)?.examples({ id, now })) ?? [PLAIN_EXAMPLE]
}

/** An event that an operator sends. */
export interface TestEvent {
  /** The sender's name for it. */
  id: string
  /** The type of an example; default: the first. */
  type?: string | undefined
  /** Default: that of the example. */
  body?: string | undefined
  /** Of the request that sends it. */
  host: string
  requestId: string
}

/** What is done to a delivery that its sender has signed. */
export const TAMPERINGS = ['body', 'timestamp', 'secret', 'signature'] as const
export type Tampering = (typeof TAMPERINGS)[number]

/**
 * A delivery of an event as its sender makes it, or what keeps it from being made.
 *
 * @param sentAt ms since the epoch
 */
export function testDelivery(name: string, source: ResolvedSource, event: TestEvent, sentAt = Date.now()) {
  return signed(name, source, event, sentAt, (sender, outgoing) => sender.sign(outgoing))
}

/** A delivery that its source has to refuse, or why it would not. */
export function tamperedDelivery(name: string, source: ResolvedSource, event: TestEvent, how: Tampering) {
  const { sender } = source.options
  if (sender === undefined) return unsigned()
  const now = Date.now()
  const delivery = tampered(name, source, event, how, sender, now)
  if (!(delivery instanceof Delivery) || sender.verify(delivery, now) !== null) return delivery
  return serverProblem('bad_request', { detail: `Nothing was sent. ${unseen(how, sender)}` })
}

function tampered(
  name: string,
  source: ResolvedSource,
  event: TestEvent,
  how: Tampering,
  sender: Sender,
  now: number,
): Delivery | Answer {
  switch (how) {
    case 'body': {
      const delivery = testDelivery(name, source, event)
      // The same event in other bytes.
      return delivery instanceof Delivery
        ? withBody(delivery, Buffer.concat([delivery.body, Buffer.from(' ')]))
        : delivery
    }
    case 'timestamp':
      return testDelivery(name, source, event, now - (sender.toleranceMs ?? 0) - BEYOND_MS)
    case 'secret':
      return signed(name, source, event, now, (sender, outgoing) => {
        // The receiver sees no difference between a signature of other content and one with another secret.
        const other = { ...outgoing, body: Buffer.concat([outgoing.body, OTHER_CONTENT]) }
        return sender.sign(other).map(([name, value]) => [name, sendsSecret(sender, name) ? otherToken(value) : value])
      })
    case 'signature':
      return signed(name, source, event, now, (sender, outgoing) => {
        const headers = sender.sign(outgoing)
        const { method, url, body } = outgoing
        return headers.filter(left => {
          const others = headers.filter(header => header !== left)
          return sender.verify(new Delivery({ method, url: pathOf(url), headers: others, body }), now) === null
        })
      })
  }
}

const BEYOND_MS = 60_000
const OTHER_CONTENT = Buffer.from('of another sender')

const sendsSecret = ({ secretHeaders = [] }: Sender, name: string) =>
  secretHeaders.some(header => header.toLowerCase() === name.toLowerCase())

/** `Bearer …` stays what it is. */
const otherToken = (value: string): string => value.replace(/\S+$/, 'bm9ib2R5OmEtd3JvbmctdG9rZW4=')

function unseen(how: Tampering, { facts: { title } }: Sender): string {
  switch (how) {
    case 'body':
      return `${title} does not sign the body, so that nobody can see that it was changed.`
    case 'timestamp':
      return `The signature is as good as new: ${title} signs no time, or the time is in the body that you gave.`
    default:
      return `The delivery would be taken for one of ${title}.`
  }
}

type Sign = (sender: Sender, event: Parameters<Sender['sign']>[0]) => HeaderList

function signed(
  name: string,
  source: ResolvedSource,
  { id, type, body: given, host, requestId }: TestEvent,
  now: number,
  sign: Sign,
): Delivery | Answer {
  const { sender } = source.options
  const examples = examplesOf(source, id, now)
  const example = examples.find(each => each.type === (type ?? examples[0]!.type))
  if (example === undefined) {
    const types = examples.map(({ type }) => type).join(', ')
    return serverProblem('bad_request', { detail: `event must be one of: ${types}, not ${type}.` })
  }
  const url = `/hooks/${name}`
  const body = Buffer.from(given ?? example.body)
  try {
    const own: HeaderList = sender
      ? sign(sender, { method: 'POST', url: `http://${host}${url}`, body, id, now })
      : [['x-idempotency-key', id]]
    const said: HeaderList = [['host', host], ['content-type', example.contentType], ...example.headers]
    return new Delivery({ method: 'POST', url, headers: [...said, ...own], body, requestId })
  } catch (error) {
    // A source that has only the public key cannot sign.
    if (!(error instanceof ConfigurationError)) throw error
    return serverProblem('bad_request', {
      detail: `A delivery of this source's sender cannot be made here: ${error.message}.`,
    })
  }
}

const withBody = ({ method, url, headers, requestId }: Delivery, body: Uint8Array): Delivery =>
  new Delivery({ method, url, headers, body, requestId })

const pathOf = (url: string): string => new URL(url).pathname

const unsigned = () =>
  serverProblem('bad_request', { detail: 'This source has no sender: there is no signature to tamper with.' })

/** The key of its record; `null`: it has none, and the answer to the delivery says why. */
export function keyIfAny({ options: { sender } }: ResolvedSource, delivery: Delivery): string | null {
  try {
    return sender === undefined ? keyOf(delivery) : sender.key(delivery)
  } catch {
    return null
  }
}
