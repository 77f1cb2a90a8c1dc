import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

/** An application that says byte for byte what it is told to: `answer` gets each request's bytes, and its number. */
export async function startSockets(answer: (socket: Socket, request: string, onSocket: number) => void) {
  const requests: string[] = []
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createServer(socket => {
    connections++
    sockets.add(socket)
    let count = 0
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    socket.on('data', chunk => {
      requests.push(chunk.toString('latin1'))
      answer(socket, chunk.toString('latin1'), ++count)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}/hooks`,
    requests,
    connections: () => connections,
    close: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

export type Sockets = Awaited<ReturnType<typeof startSockets>>
