import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** What becomes of a connection on which a COMMIT is seen. */
export type CommitFate = 'passes' | 'arrives but has no answer' | 'never arrives' | 'hangs unanswered'

export interface PostgresProxy {
  readonly url: string
  /** Decides on each COMMIT. Default: it passes. */
  commitFate: () => CommitFate
  /** Whether the state of a failed transaction comes apart from, and later than, the error of the statement. Default: no. */
  stateComesLate: boolean
  /** Ends every connection that is open. */
  cut(): void
  /** From now on nothing goes through either way, new connections included. */
  hold(): void
  /** What was held goes on. */
  letGo(): void
  stop(): Promise<void>
}

/** ReadyForQuery in a failed transaction, https://www.postgresql.org/docs/current/protocol-message-formats.html */
const FAILED = Buffer.from('Z\0\0\0\x05E', 'latin1')

/** A TCP proxy before a Postgres server, whose network can be broken in known places. */
export async function startProxy(server: { port: number }): Promise<PostgresProxy> {
  const pairs = new Set<[Socket, Socket]>()
  let isHeld = false

  const listener = createServer(client => {
    const upstream = connect(server.port, '127.0.0.1')
    const pair: [Socket, Socket] = [client, upstream]
    pairs.add(pair)
    let fate: CommitFate = 'passes'
    const end = () => {
      pairs.delete(pair)
      client.destroy()
      upstream.destroy()
    }
    client.on('data', chunk => {
      if (isCommit(chunk)) fate = proxy.commitFate()
      if (fate === 'never arrives') end()
      else upstream.write(chunk)
    })
    upstream.on('data', chunk => {
      if (fate === 'passes' && proxy.stateComesLate && chunk.subarray(-FAILED.length).equals(FAILED)) {
        client.write(chunk.subarray(0, -FAILED.length))
        setTimeout(() => client.write(FAILED), 20)
      } else if (fate === 'passes') client.write(chunk)
      else if (fate === 'arrives but has no answer') end()
    })
    for (const socket of pair) socket.on('error', end).on('close', end)
    if (isHeld) for (const socket of pair) socket.pause()
  })
  await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve))
  const { port } = listener.address() as AddressInfo

  const proxy: PostgresProxy = {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    commitFate: () => 'passes',
    stateComesLate: false,
    cut() {
      for (const pair of pairs) for (const socket of pair) socket.destroy()
    },
    hold() {
      isHeld = true
      for (const pair of pairs) for (const socket of pair) socket.pause()
    },
    letGo() {
      isHeld = false
      for (const pair of pairs) for (const socket of pair) socket.resume()
    },
    stop() {
      proxy.cut()
      return new Promise(resolve => listener.close(() => resolve()))
    },
  }
  return proxy
}

/** A simple query of just that word. */
function isCommit(chunk: Buffer): boolean {
  return chunk.includes('COMMIT\0')
}
