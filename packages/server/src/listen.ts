import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { serverProblem } from './problems.js'
import { StartError } from './start-error.js'

type RequestListener = (request: IncomingMessage, response: ServerResponse) => void

const HTTP_OPTIONS: ServerOptions = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 1_000,
  // Longer than the 60 s after which common load balancers drop an idle connection: they must be first.
  keepAliveTimeout: 65_000,
  insecureHTTPParser: false,
}

export interface Listening {
  /** Where it listens, e.g. `http://127.0.0.1:8000`. */
  urls: string[]
  /** Takes no new connection; resolves when the existing ones ended. */
  close(): Promise<void>
  closeAllConnections(): void
}

/** Listens on a host, which may be both loopback addresses. @throws {StartError} */
export async function listen(onRequest: RequestListener, host: string, port: number): Promise<Listening> {
  const servers = host === 'localhost' ? await onLoopback(onRequest, port) : [await open(onRequest, host, port)]
  return {
    urls: servers.map(urlOf),
    close: async () => {
      await Promise.all(servers.map(server => new Promise<void>(resolve => server.close(() => resolve()))))
    },
    closeAllConnections: () => {
      for (const server of servers) server.closeAllConnections()
    },
  }
}

/**
 * `localhost` is 127.0.0.1 for some clients and ::1 for others: both are this server's, or it does not start.
 * A machine may lack one of the two families.
 */
async function onLoopback(onRequest: RequestListener, port: number): Promise<Server[]> {
  for (let attempt = 1; ; attempt++) {
    const first = await openIfPossible(onRequest, '127.0.0.1', port)
    const taken = first === undefined ? port : (first.address() as AddressInfo).port
    try {
      const second = await openIfPossible(onRequest, '::1', taken)
      const servers = [first, second].filter(server => server !== undefined)
      if (servers.length === 0) throw new StartError('this machine has no loopback address to listen on', 1)
      return servers
    } catch (error) {
      first?.close()
      if (port !== 0 || attempt === 10) throw error
    }
  }
}

async function openIfPossible(onRequest: RequestListener, host: string, port: number): Promise<Server | undefined> {
  try {
    return await open(onRequest, host, port)
  } catch (error) {
    const { code } = (error as StartError).cause as NodeJS.ErrnoException
    if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT') return undefined
    throw error
  }
}

function open(onRequest: RequestListener, host: string, port: number): Promise<Server> {
  const server = createServer(HTTP_OPTIONS, onRequest)
  server.on('clientError', answerClientError)
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(cannotListen(error, host, port)))
    server.listen({ host, port }, () => resolve(server))
  })
}

const REASONS: Record<string, string> = {
  EADDRINUSE: 'the port is in use; choose another with --port or PORT',
  EACCES: 'this user may not use the port; choose one from 1024 with --port or PORT',
  EADDRNOTAVAIL: 'this machine does not have that address; see --host or HOST',
  ENOTFOUND: 'this host name is not known; see --host or HOST',
}

function cannotListen(error: NodeJS.ErrnoException, host: string, port: number): StartError {
  const reason = REASONS[error.code ?? ''] ?? error.code
  return new StartError(`cannot listen on ${hostInUrl(host)}:${port}: ${reason}`, 1, { cause: error })
}

function urlOf(server: Server): string {
  const { address, port } = server.address() as AddressInfo
  return `http://${hostInUrl(address)}:${port}`
}

function hostInUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

/** Node's own answer to what is not HTTP, as a problem. The connection cannot be used any more. */
function answerClientError(error: NodeJS.ErrnoException, socket: Socket & { _httpMessage?: ServerResponse }): void {
  // As Node itself does: nothing may be written into a response that has begun.
  if (!socket.writable || socket._httpMessage?.headersSent) {
    socket.destroy()
    return
  }
  const { status, headers, body } = serverProblem(
    error.code === 'HPE_HEADER_OVERFLOW'
      ? 'headers_too_large'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? 'request_timeout'
        : 'bad_request',
  )
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  socket.end(`HTTP/1.1 ${status} \r\n${lines}content-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`)
}
