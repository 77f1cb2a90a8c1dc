import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** How long the client may read nothing of an answer. */
const TIMEOUT_MS = 15_000

/** Destroys the connections of this server whose write timeout is over. */
export function destroyStalled(server: Server, onDestroyed: () => void): void {
  server.on('connection', (socket: Socket) => {
    socket.on('timeout', () => {
      if (socket.destroyed || socket.writableLength === 0) return
      onDestroyed()
      socket.destroy()
    })
  })
}

/** For an answer that the kernel did not take in one write: most need no timer. */
export function startWriteTimeout(response: ServerResponse): void {
  // Without a listener Node destroys the socket at the timeout, even while the handler still works.
  response.on('timeout', () => {})
  response.socket?.setTimeout(TIMEOUT_MS)
}
