import type { Readable } from 'node:stream'

/**
 * The chunks of a stream that a handler still writes. A consumer that stops early lets the handler write on, to
 * nowhere: leaving a stream's own iterator would destroy the stream, and not even that before the first `next`.
 */
export function overflowOf(stream: Readable): AsyncIterableIterator<Uint8Array> {
  // Without a consumer yet, an error would be an uncaught exception.
  stream.on('error', () => {})
  const chunks = stream.iterator({ destroyOnReturn: false })
  return {
    next: () => chunks.next(),
    async return() {
      await chunks.return!()
      stream.resume()
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
