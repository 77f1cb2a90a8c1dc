import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { onCleanup } from './until.js'

export interface ServerName {
  readonly port: number
  /** New connections lead to another server; those that are open stay, or are cut. */
  turnTo(port: number, kept: 'kept' | 'cut'): void
}

/** What a name in DNS or a virtual address is to those who connect: it leads to one server, and later to another. */
export async function startServerName(serverPort: number): Promise<ServerName> {
  const open = new Set<Socket>()
  let target = serverPort
  const server = createServer(near => {
    const far = connect(target, '127.0.0.1')
    near.pipe(far).pipe(near)
    for (const socket of [near, far]) {
      open.add(socket)
      socket.on('error', () => {})
      socket.once('close', () => {
        open.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
  })
  const cut = () => {
    for (const socket of open) socket.destroy()
  }
  onCleanup(() => {
    server.close()
    cut()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    turnTo(port, kept) {
      target = port
      if (kept === 'cut') cut()
    },
  }
}
