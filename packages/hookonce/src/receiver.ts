import type { Attempt } from './attempt.js'
import type { Delivery, HeaderList } from './delivery.js'
import type { HandlerResponse } from './response.js'

/** How a delivery ended; the word used in logs and metrics. */
export type DeliveryOutcome =
  | 'executed' // the handler ran and its result is recorded (or there was no key)
  | 'replayed'
  | 'joined'
  | 'in_progress'
  | 'mismatch'
  | 'invalid'
  | 'unavailable'
  | 'failed'
  | 'lost'

/** What is to be sent back, complete: adapters add nothing and leave nothing out. */
export interface Answer {
  status: number
  headers: HeaderList
  body: Uint8Array
  rest?: AsyncIterable<Uint8Array>
  outcome: DeliveryOutcome
}

/** Runs once for a delivery at most; whether its response is recorded the source decides. */
export type Handler = (delivery: Delivery, attempt: Attempt) => HandlerResponse | Promise<HandlerResponse>

/** One endpoint: its own keys, its own rules. */
export interface Source {
  /** The largest body to read, in bytes; adapters answer more than that with `tooLarge()`. */
  readonly maxBodyBytes: number
  /** How much of a handler's response an adapter gathers before it hands on the remainder as `rest`. */
  readonly maxResponseBytes: number
  /** Never rejects: whatever goes wrong is an answer. */
  receive(delivery: Delivery, handler: Handler): Promise<Answer>
  /** 413: the adapter stopped reading the body. */
  tooLarge(): Answer
}
