import { type AddressInfo, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

export interface ScriptedSentinel {
  port: number
  /** Clients that listen for failovers. */
  subscribers: ReadonlySet<Socket>
  /** From now on nobody is told where the master is; returns what tells all that asked, and answers at once again. */
  hold(): () => void
  /** How many wait to be told. */
  asking(): number
  /** Tells all subscribers of a failover. */
  announceFailover(): void
}

/** A Sentinel in as far as ioredis asks one (in RESP3): it names one master, when the test lets it. */
export async function startScriptedSentinel(masterPort: number): Promise<ScriptedSentinel> {
  const sockets = new Set<Socket>()
  const subscribers = new Set<Socket>()
  let held: (() => void)[] | undefined

  const answer = (socket: Socket, command: string) => {
    if (/get-master-addr-by-name/i.test(command)) {
      const tell = () => socket.write(`*2\r\n${bulks('127.0.0.1', String(masterPort))}`)
      if (held === undefined) tell()
      else held.push(tell)
    } else if (/subscribe/i.test(command)) {
      subscribers.add(socket)
      socket.write(`>3\r\n${bulks('subscribe', FAILOVER)}:1\r\n`)
    } else if (/sentinels/i.test(command)) socket.write('*0\r\n')
    else if (/hello/i.test(command)) socket.write(`%1\r\n${bulks('proto')}:3\r\n`)
    else socket.write('+OK\r\n')
  }

  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => subscribers.delete(socket))
    // Each command is an array of bulk strings, and comes in one piece.
    socket.on('data', data => {
      for (const command of data.toString().split(/(?=^\*\d)/m)) answer(socket, command)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return {
    port: (server.address() as AddressInfo).port,
    subscribers,
    hold() {
      held = []
      return () => {
        for (const tell of held ?? []) tell()
        held = undefined
      }
    },
    asking: () => held?.length ?? 0,
    announceFailover() {
      for (const socket of subscribers) socket.write(`>3\r\n${bulks('message', FAILOVER, 'mymaster')}`)
    },
  }
}

const FAILOVER = '+switch-master'
const bulks = (...texts: string[]) => texts.map(text => `$${text.length}\r\n${text}\r\n`).join('')
