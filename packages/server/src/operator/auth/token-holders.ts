import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Answer } from 'hookonce'
import { peerOf } from '../../http/peer.js'
import { expiredCookie, sessionCookie, sessionOf } from './cookie.js'
import { denied, tokenRequired, tooManyTokens } from './denials.js'
import { FailedTokens } from './failed-tokens.js'
import type { Operators, OperatorsOptions } from './operators.js'
import { foreignPage } from './origin.js'
import { Sessions } from './sessions.js'

/** Access by token, or by the session of a browser that has sent it, from any address. */
export class TokenHolders implements Operators {
  readonly mode = 'token'
  readonly #expected: Buffer
  readonly #now: () => number
  readonly #date: () => number
  readonly #onWrongToken: (request: IncomingMessage) => void
  readonly #failed = new FailedTokens()
  readonly #sessions: Sessions

  constructor(
    token: string,
    { now = () => performance.now(), date = Date.now, onWrongToken = () => {} }: OperatorsOptions,
  ) {
    this.#expected = digest(token)
    this.#sessions = new Sessions(token)
    this.#now = now
    this.#date = date
    this.#onWrongToken = onWrongToken
  }

  observe(): void {}

  /** A token is proof enough. A browser sends its cookie with requests of foreign pages too, so those are refused. */
  readonly refusal = (request: IncomingMessage): Answer | undefined => {
    const token = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1]
    if (token !== undefined) return this.#wrong(request, token)
    if (!this.#hasSession(request)) return tokenRequired()
    const foreign = foreignPage(request)
    return foreign === undefined ? undefined : denied(foreign)
  }

  isLoggedIn(request: IncomingMessage): boolean {
    return this.#hasSession(request) && foreignPage(request) === undefined
  }

  login(request: IncomingMessage, path: string, token: string): { cookie: string } | { refused: Answer } {
    const foreign = foreignPage(request)
    if (foreign !== undefined) return { refused: denied(foreign) }
    const refused = this.#wrong(request, token)
    if (refused !== undefined) return { refused }
    return { cookie: sessionCookie(request, path, this.#sessions.open(this.#date())) }
  }

  logout(request: IncomingMessage, path: string): string {
    const session = sessionOf(request)
    if (session !== undefined) this.#sessions.close(session)
    return expiredCookie(request, path)
  }

  #hasSession(request: IncomingMessage): boolean {
    const session = sessionOf(request)
    return session !== undefined && this.#sessions.has(session, this.#date())
  }

  /**
   * Compares digests: their length is fixed, so the time reveals neither content nor length. The right token is never
   * refused: behind a proxy all clients have one address, and one that guesses would lock out the others.
   */
  #wrong(request: IncomingMessage, token: string): Answer | undefined {
    if (timingSafeEqual(digest(token), this.#expected)) return undefined
    const peer = peerOf(request)
    const now = this.#now()
    const blockedForMs = this.#failed.blockedForMs(peer, now)
    if (blockedForMs > 0) return tooManyTokens(blockedForMs)
    this.#failed.count(peer, now)
    this.#onWrongToken(request)
    return tokenRequired()
  }
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
