import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { onCleanup } from './until.js'

/** One line of the ledger: the application behind the receiver was called. Times are of `performance.now()`. */
export interface Call {
  key: string
  attempt: number
  fencingToken: bigint
  /** The path it was called at: each server process can be given one of its own. */
  path: string
  startedAt: number
  /** When it was answered, or its connection ended. */
  endedAt: number | undefined
  /** Whether the whole answer was handed to the network. */
  answered: boolean
  /** What it answers, different for every call. */
  result: Buffer
  answer(): void
}

export interface UpstreamOptions {
  /** How long a call takes; `held`: until its `answer()`. Default 0. */
  takes?: (call: Call) => number | 'held'
  /** Whether a call is answered 500, or with which status else. Default: none is. */
  fails?: (call: Call) => boolean | number
  /** Where it listens. Default: a free port. */
  port?: number
  /** How long the answers are. Default some 40 bytes. */
  resultBytes?: number
}

export interface Upstream {
  url: string
  /** Append-only. */
  calls: readonly Call[]
  callsOf(key: string): Call[]
  /** Nobody listens any more. */
  close(): void
}

export async function startUpstream(options: UpstreamOptions = {}): Promise<Upstream> {
  const { takes = () => 0, fails = () => false, port = 0, resultBytes = 16 } = options
  const calls: Call[] = []
  const server = createServer((request, response) => {
    const call = startCall(request, response, resultBytes)
    const failed = fails(call)
    if (failed) response.statusCode = failed === true ? 500 : failed
    calls.push(call)
    request.resume()
    const ms = takes(call)
    if (ms !== 'held') setTimeout(call.answer, ms)
  })
  const url = await listen(server, port)
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  onCleanup(close)
  return {
    url,
    calls,
    close,
    callsOf: key => calls.filter(call => call.key === key),
  }
}

/** Takes connections and reads nothing from them: no call arrives. */
export async function startDeafUpstream(): Promise<Pick<Upstream, 'url'>> {
  const sockets = new Set<Socket>()
  const server = createTcpServer({ pauseOnConnect: true }, socket => {
    sockets.add(socket)
    socket.once('error', () => {})
  })
  onCleanup(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { url: await listen(server) }
}

async function listen(server: Server, port = 0): Promise<string> {
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function startCall({ headers, url }: IncomingMessage, response: ServerResponse, resultBytes: number): Call {
  const key = String(headers['idempotency-key'])
  const attempt = Number(headers['x-hookonce-attempt'])
  const call: Call = {
    key,
    attempt,
    fencingToken: BigInt(String(headers['x-hookonce-fencing-token'])),
    path: url!,
    startedAt: performance.now(),
    endedAt: undefined,
    answered: false,
    result: Buffer.concat([Buffer.from(`${key}, attempt ${attempt}: `), randomBytes(resultBytes)]),
    answer() {
      if (!response.headersSent && !response.destroyed) response.end(call.result)
    },
  }
  const end = () => {
    call.endedAt ??= performance.now()
  }
  response.once('finish', () => {
    call.answered = true
    end()
  })
  response.once('close', end)
  return call
}
