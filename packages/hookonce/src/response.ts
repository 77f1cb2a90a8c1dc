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
