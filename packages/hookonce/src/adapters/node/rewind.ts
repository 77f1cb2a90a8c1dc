import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'

/**
 * Makes a request readable once more that was read to its end: parsers of forms that follow pipe it, or listen to it,
 * as if nobody had. `bytes` is what they get.
 */
export function rewind(req: IncomingMessage, bytes: Uint8Array): void {
  if (!req.readableEnded) return
  // They heard all of it.
  for (const event of ['data', 'end', 'readable']) req.removeAllListeners(event)
  // What IncomingMessage itself does in its constructor. Only a handler destroys it from here on.
  Reflect.apply(Readable, req, [{ autoDestroy: false }])
  if (bytes.length > 0) req.push(bytes)
  req.push(null)
}

/** Lets go of what nobody wanted to read. */
export function drain(req: IncomingMessage): void {
  if (!req.readableEnded) req.resume()
}
