import type { DeliveryInit } from '../http/delivery.js'
import { SENDERS } from '../senders/registry.js'
import type { Sender } from '../senders/sender.js'

/** An event that a handler is tested with. */
export interface TestEvent {
  /** The event's id; without a sender, the delivery's idempotency key. */
  id: string
  /** Text and bytes as they are, anything else as JSON. Default: an example of the sender's events. */
  body?: unknown
  /** Added to those that the sender sends. */
  headers?: Readonly<Record<string, string>>
}

/** Where and when an event is delivered. */
export interface RequestOptions {
  /** Signs the event. Default: none; the id is sent in `X-Idempotency-Key`. */
  sender?: Sender | undefined
  /** The whole URL that it is sent to. Default `http://localhost/webhook`. */
  url?: string
  /** When it is signed, in ms since the epoch. Default: now. */
  now?: number
}

/** A delivery of an event, to be passed to `new Delivery` or sent by HTTP. */
export interface TestRequest extends DeliveryInit {
  headers: [name: string, value: string][]
  body: Uint8Array<ArrayBuffer>
}

/**
 * The request that delivers an event, signed as its sender signs.
 *
 * @throws {ConfigurationError} this sender can only verify
 * @example
 * const { method, headers, body } = requestOf({ id: 'evt_1' }, { sender: stripe({ secrets: [secret] }) })
 * await fetch('http://localhost:3000/webhook', { method, headers, body })
 */
export function requestOf(event: TestEvent, options: RequestOptions = {}): TestRequest {
  const { sender, url = 'http://localhost/webhook', now = Date.now() } = options
  const example = sender && SENDERS.get(sender.facts.name)?.examples({ id: event.id, now })[0]
  const body = bytesOf(event.body ?? example?.body ?? { id: event.id })
  const signed = sender?.sign({ method: 'POST', url, body, id: event.id, now }) ?? [['x-idempotency-key', event.id]]
  const headers = new Map<string, string>([['content-type', example?.contentType ?? 'application/json']])
  for (const [name, value] of [...(example?.headers ?? []), ...signed]) headers.set(name.toLowerCase(), value)
  for (const [name, value] of Object.entries(event.headers ?? {})) headers.set(name.toLowerCase(), value)
  const { pathname, search } = new URL(url)
  return { method: 'POST', url: pathname + search, headers: [...headers], body }
}

function bytesOf(body: unknown): Uint8Array<ArrayBuffer> {
  if (body instanceof Uint8Array) return Uint8Array.from(body)
  return Uint8Array.from(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)))
}
