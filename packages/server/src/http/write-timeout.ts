import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Of an answer that is not taken; Node looks again after as long if a part of it was. */
const STILL_MS = 15_000

/** Ends connections of this server on which an answer is not taken, once {@link limitStall} was asked to. */
export function endStalled(server: Server, onEnd: () => void): void {
  server.on('connection', (socket: Socket) => {
    socket.on('timeout', () => {
      if (socket.destroyed || socket.writableLength === 0) return
      onEnd()
      socket.destroy()
    })
  })
}

/** For an answer that did not leave in one go: most do, and need no timer. */
export function limitStall(response: ServerResponse): void {
  // Node itself ends what nobody listens for, an answer too that is slow to come.
  response.on('timeout', () => {})
  response.socket?.setTimeout(STILL_MS)
}
