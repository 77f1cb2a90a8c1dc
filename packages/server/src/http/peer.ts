import type { IncomingMessage } from 'node:http'

/** The remote address of the connection. */
export function peerOf(request: IncomingMessage): string {
  return request.socket.remoteAddress?.replace(/^::ffff:/, '') ?? ''
}
