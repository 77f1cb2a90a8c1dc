import type { IncomingMessage } from 'node:http'
import type { Answer } from 'hookonce'

/** Authorises requests to the operator routes. */
export interface Operators {
  readonly mode: 'token' | 'local' | 'open' | 'closed'
  /** Receives every request, deliveries included. */
  observe(request: IncomingMessage): void
  /** The answer to a request that is not an operator's; `undefined`: it is. */
  refusal(request: IncomingMessage): Answer | undefined
  /** Whether a browser is logged in. Unlike `refusal` it counts no failed attempt. */
  isLoggedIn(request: IncomingMessage): boolean
  /**
   * Opens a session: its cookie, or the answer to a wrong token.
   *
   * @param path where the browser sees this server: it sends the cookie below that only
   */
  login(request: IncomingMessage, path: string, token: string): { cookie: string } | { refused: Answer }
  /** Ends the session. Returns the cookie that replaces it. */
  logout(request: IncomingMessage, path: string): string
}

export interface OperatorsOptions {
  /** Called at most ten times a minute for one peer. */
  onWrongToken?(request: IncomingMessage): void
  /** Called once, at the first request that is not from this machine. */
  onTrialOver?(request: IncomingMessage, reason: string): void
  /** Milliseconds on a monotonic clock. */
  now?(): number
  /** Milliseconds since the epoch: sessions are of several processes. */
  date?(): number
}
