import { createServer, type RequestListener, type Server, type ServerOptions, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { MAX_HEADER_FIELDS } from 'hookonce'
import { flagOf, SETTINGS } from '../config/settings.js'
import { StartError } from '../config/start-error.js'
import { serverProblem } from '../http/problems.js'
import { oneAtATime } from '../http/request-queue.js'
import { destroyStalled } from '../http/write-timeout.js'
import type { Cut } from '../observability/metrics/index.js'

const HTTP_OPTIONS: ServerOptions = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 1_000,
  // Load balancers close idle connections after 60 s; the server must not close them first.
  keepAliveTimeout: 65_000,
  insecureHTTPParser: false,
}

/**
 * The listen backlog; the system may lower it. A connection beyond it is retried by its client after a second, and Node's
 * default of 511 is too few for a burst.
 */
const BACKLOG = 4_096

export interface Listening {
  /** Where it listens, e.g. `http://127.0.0.1:8000`. */
  urls: string[]
  /** Stops accepting connections; resolves when the existing ones are closed. */
  close(): Promise<void>
  closeAllConnections(): void
}

export interface Address {
  host: string
  port: number
  /** The setting that names the port. */
  setting: 'port' | 'workPort'
}

export interface Limits {
  /** On each address; further ones are closed at once. */
  maxConnections: number
  /** Called when a connection is closed by a limit. */
  onCut(why: Cut): void
}

/** Listens on a host; `localhost` is both loopback addresses. @throws {StartError} */
export async function listen(onRequest: RequestListener, address: Address, limits: Limits): Promise<Listening> {
  const make = () => createHttpServer(onRequest, limits)
  const servers = address.host === 'localhost' ? await onLoopback(make, address) : [await open(make(), address)]
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
 * `localhost` is 127.0.0.1 for some clients and ::1 for others: the server listens on both or does not start. A machine may
 * lack one of the two families.
 */
async function onLoopback(make: () => Server, address: Address): Promise<Server[]> {
  for (let attempt = 1; ; attempt++) {
    const first = await openIfPossible(make(), { ...address, host: '127.0.0.1' })
    const port = first === undefined ? address.port : (first.address() as AddressInfo).port
    try {
      const second = await openIfPossible(make(), { ...address, host: '::1', port })
      const servers = [first, second].filter(server => server !== undefined)
      if (servers.length === 0) throw new StartError('this machine has no loopback address to listen on', 1)
      return servers
    } catch (error) {
      first?.close()
      if (address.port !== 0 || attempt === 10) throw error
    }
  }
}

async function openIfPossible(server: Server, address: Address): Promise<Server | undefined> {
  try {
    return await open(server, address)
  } catch (error) {
    const { code } = (error as StartError).cause as NodeJS.ErrnoException
    if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT') return undefined
    throw error
  }
}

function createHttpServer(onRequest: RequestListener, { maxConnections, onCut }: Limits): Server {
  const server = createServer(
    HTTP_OPTIONS,
    oneAtATime(onRequest, () => onCut('pipelined')),
  )
  destroyStalled(server, () => onCut('stalled_reader'))
  server.on('clientError', answerClientError)
  server.on('drop', () => onCut('too_many'))
  server.maxConnections = maxConnections
  // Node drops further fields silently: one more than the limit shows that there were more.
  server.maxHeadersCount = MAX_HEADER_FIELDS + 1
  return server
}

function open(server: Server, address: Address): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(cannotListen(error, address)))
    server.listen({ host: address.host, port: address.port, backlog: BACKLOG }, () => resolve(server))
  })
}

function cannotListen(error: NodeJS.ErrnoException, { host, port, setting }: Address): StartError {
  const options = `--${flagOf(setting)} or ${SETTINGS[setting].env}`
  const reasons: Record<string, string> = {
    EADDRINUSE: `the port is in use; choose another with ${options}`,
    EACCES: `this user may not use the port; choose one from 1024 with ${options}`,
    EADDRNOTAVAIL: 'this machine does not have that address; see --host or HOST',
    ENOTFOUND: 'this host name is not known; see --host or HOST',
  }
  const reason = reasons[error.code ?? ''] ?? error.code
  return new StartError(`cannot listen on ${hostInUrl(host)}:${port}: ${reason}`, 1, { cause: error })
}

function urlOf(server: Server): string {
  const { address, port } = server.address() as AddressInfo
  return `http://${hostInUrl(address)}:${port}`
}

function hostInUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

/** Answers what is not HTTP with a problem, and closes the connection. */
function answerClientError(error: NodeJS.ErrnoException, socket: Socket & { _httpMessage?: ServerResponse }): void {
  const response = socket._httpMessage
  // A response that has begun must not be written into; Node does the same.
  if (!socket.writable || response?.headersSent) {
    socket.destroy()
    return
  }
  // An earlier request on the connection is still to be answered; its answer is the last.
  if (response?.req.complete) {
    response.shouldKeepAlive = false
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
