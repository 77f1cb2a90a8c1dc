import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** The limit of pipelined requests that wait, for the whole process. No sender pipequeues. */
const MAX_WAITING = 10_000

/**
 * Handles pipelined requests of a connection one after the other, and pauses reading until those already read are answered.
 *
 * @param tooMany called when a connection is closed because too many requests wait
 */
export function oneAtATime(onRequest: RequestListener, tooMany: () => void): RequestListener {
  let waiting = 0
  const queues = new WeakMap<Socket, { length: number }>()

  function queueOf(socket: Socket): { length: number } {
    const known = queues.get(socket)
    if (known !== undefined) return known
    const queue = { length: 0 }
    queues.set(socket, queue)
    // Reading a body resumes the socket.
    socket.on('resume', () => {
      if (queue.length > 0) socket.pause()
    })
    socket.on('close', () => {
      waiting -= queue.length
      queue.length = 0
    })
    return queue
  }

  return (request: IncomingMessage, response: ServerResponse) => {
    // Node assigns the socket to a response when the responses before it are sent.
    if (response.socket !== null) return onRequest(request, response)
    const { socket } = request
    if (waiting === MAX_WAITING) {
      tooMany()
      socket.destroy()
      return
    }
    const queue = queueOf(socket)
    waiting++
    queue.length++
    socket.pause()
    response.once('socket', () => {
      waiting--
      queue.length--
      if (queue.length === 0) socket.resume()
      onRequest(request, response)
    })
  }
}
