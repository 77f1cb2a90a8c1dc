import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'

/**
 * Makes a request that was read to its end readable again with `bytes`, for form parsers that follow (multer, busboy,
 * formidable).
 */
export function rewind(req: IncomingMessage, bytes: Uint8Array): void {
  if (!req.readableEnded) return
  // These listeners have read the whole body.
  for (const event of ['data', 'end', 'readable']) req.removeAllListeners(event)
  // IncomingMessage's constructor does the same. Only the handler destroys the request now.
  Reflect.apply(Readable, req, [{ autoDestroy: false }])
  if (bytes.length > 0) req.push(bytes)
  req.push(null)
}

/** Drops a body that the handler has not read, so that the connection can be used again. */
export function drain(req: IncomingMessage): void {
  if (!req.readableEnded) req.resume()
}
