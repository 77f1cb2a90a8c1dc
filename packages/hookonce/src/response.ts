import type { HeaderList } from './delivery.js'

/** What a handler answers. */
export interface HandlerResponse {
  /** 200 to 599. */
  status: number
  headers: HeaderList
  /** The whole body; with `rest` its beginning, at least `maxResponseBytes` long. */
  body: Uint8Array
  /** What follows `body` when the response is too large to record: sent to the first sender only. */
  rest?: AsyncIterable<Uint8Array>
}

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
