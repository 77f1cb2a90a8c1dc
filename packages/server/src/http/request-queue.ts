import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** So many requests may wait in a process behind others of their connections; no sender does this. */
const MOST_WAITING = 10_000

/**
 * Answers the requests of a connection one after the other, however many were sent at once (pipelining), and reads no
 * more of them before those are answered that were read.
 *
 * @param tooMany called when a connection is ended because too many wait
 */
export function oneAtATime(onRequest: RequestListener, tooMany: () => void): RequestListener {
  let waiting = 0
  const lines = new WeakMap<Socket, { length: number }>()

  function lineOf(socket: Socket): { length: number } {
    const known = lines.get(socket)
    if (known !== undefined) return known
    const line = { length: 0 }
    lines.set(socket, line)
    // Whoever reads a body resumes its socket.
    socket.on('resume', () => {
      if (line.length > 0) socket.pause()
    })
    socket.on('close', () => {
      waiting -= line.length
      line.length = 0
    })
    return line
  }

  return (request: IncomingMessage, response: ServerResponse) => {
    // Node gives a response its socket when those before it have been sent.
    if (response.socket !== null) return onRequest(request, response)
    const { socket } = request
    if (waiting === MOST_WAITING) {
      tooMany()
      socket.destroy()
      return
    }
    const line = lineOf(socket)
    waiting++
    line.length++
    socket.pause()
    response.once('socket', () => {
      waiting--
      line.length--
      if (line.length === 0) socket.resume()
      onRequest(request, response)
    })
  }
}
