import type { IncomingMessage } from 'node:http'
import { SESSION_MS } from './sessions.js'

const COOKIE = 'hookonce_session'

export function sessionOf({ headers }: IncomingMessage): string | undefined {
  return /(?:^|; *)hookonce_session=([\w.-]+)/.exec(headers.cookie ?? '')?.[1]
}

export const sessionCookie = (request: IncomingMessage, path: string, session: string): string =>
  `${COOKIE}=${session}; Max-Age=${SESSION_MS / 1000}; ${attributes(request, path)}`

export const expiredCookie = (request: IncomingMessage, path: string): string =>
  `${COOKIE}=; Max-Age=0; ${attributes(request, path)}`

/** TLS ends at a proxy: the browser's Origin or the proxy's header shows that it was used. */
function attributes({ headers }: IncomingMessage, path: string): string {
  const secure = headers.origin?.startsWith('https:') || headers['x-forwarded-proto'] === 'https'
  return `Path=${path}; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`
}
