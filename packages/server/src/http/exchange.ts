import {
  Agent as HttpAgent,
  type RequestOptions as HttpOptions,
  request as httpRequest,
  type IncomingMessage,
} from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'

/** Keep-alive connections to the applications. */
export interface ForwardAgent {
  http: HttpAgent
  https: HttpsAgent
  destroy(): void
}

export interface Exchange {
  /** The target and the method. */
  options: HttpOptions
  /** All headers: names and values alternate. */
  headers: string[]
  body: Uint8Array
  signal: AbortSignal
  /** Called before it is sent once more. */
  resent?: (() => void) | undefined
}

/** Shorter than the keep-alive timeout of common applications, which few announce. */
const IDLE_MS = 4_000

const MAX_HEADER_BYTES = 65_536

export function createForwardAgent(): ForwardAgent {
  const http = new HttpAgent({ keepAlive: true, timeout: IDLE_MS })
  const https = new HttpsAgent({ keepAlive: true, timeout: IDLE_MS })
  const destroy = () => {
    http.destroy()
    https.destroy()
  }
  return { http, https, destroy }
}

/**
 * Sends a request and resolves with its response. The application may close a kept connection while the request is sent:
 * if no byte of a response arrived, the request is sent once more on a new connection.
 */
export async function exchange(agent: ForwardAgent, given: Exchange): Promise<IncomingMessage> {
  try {
    return await send(given, given.options.protocol === 'https:' ? agent.https : agent.http)
  } catch (error) {
    if (!(error instanceof StaleConnection)) throw error
    given.resent?.()
    return send(given, false)
  }
}

class StaleConnection extends Error {}

function send({ options, headers, body, signal }: Exchange, agent: HttpAgent | false): Promise<IncomingMessage> {
  const request = options.protocol === 'https:' ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    const sent = request({ ...options, headers, agent, signal, maxHeaderSize: MAX_HEADER_BYTES })
    // Node drops fields beyond a thousand silently; `maxHeaderSize` limits them.
    sent.maxHeadersCount = 0
    let isAnswered = false
    sent.on('socket', socket => {
      if (sent.reusedSocket) socket.once('data', () => (isAnswered = true))
    })
    sent.on('response', resolve)
    sent.on('upgrade', (_response, socket) => {
      socket.destroy()
      reject(new Error('the application changes to another protocol'))
    })
    sent.on('error', error => {
      const isStale = sent.reusedSocket && !isAnswered && !signal.aborted
      reject(isStale ? new StaleConnection() : error)
    })
    sent.end(body)
  })
}
