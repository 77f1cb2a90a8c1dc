import type { IncomingMessage } from 'node:http'
import type { Answer } from 'hookonce'

/** Who may use the operator routes, and whoever logs in to them. */
export interface Operators {
  readonly mode: 'token' | 'local' | 'open' | 'closed'
  /** Is shown every request there is, deliveries included. */
  see(request: IncomingMessage): void
  /** `undefined`: the request is an operator's; else the answer to it. */
  refusal(request: IncomingMessage): Answer | undefined
  /** Whether a browser gets in by what it has; unlike `refusal` no try. */
  isLoggedIn(request: IncomingMessage): boolean
  /** A token for a session: the cookie that is one, or the answer to a wrong token. */
  login(request: IncomingMessage, token: string): { cookie: string } | { refused: Answer }
  /** Ends the request's session. Gives the cookie that takes its place. */
  logout(request: IncomingMessage): string
}

export interface OperatorsOptions {
  /** Told of at most ten in a minute of one peer. */
  onWrongToken?(request: IncomingMessage): void
  /** Told once, when a trial sees that it is not alone. */
  onTrialOver?(request: IncomingMessage, reason: string): void
  /** Milliseconds on a clock that never jumps. */
  now?(): number
}
