import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Answer } from 'hookonce'
import type { OperatorAccess } from '../config.js'
import { serverProblem } from '../problems.js'
import { SETTINGS } from '../settings.js'
import { FailedTokens } from './failed-tokens.js'
import { foreignHost, foreignPage, notDirect, peerOf } from './origin.js'
import { SESSION_MS, Sessions } from './sessions.js'

const TOKEN = SETTINGS.adminToken.env
const ACCESS = SETTINGS.operatorAccess.env
const COOKIE = 'hookonce_session'

/** Who may use the operator routes, and whoever logs in to them. */
export interface Operators {
  readonly mode: OperatorAccess['mode']
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
  /** Milliseconds on a clock that never jumps. */
  now?(): number
}

export function createOperators(access: OperatorAccess, options: OperatorsOptions = {}): Operators {
  const { mode } = access
  if (access.mode === 'token') return new TokenOperators(access.token, options)
  const refusal = REFUSALS[access.mode]
  return {
    mode,
    refusal,
    isLoggedIn: request => refusal(request) === undefined,
    login: request => ({ refused: refusal(request) ?? tokenUnset() }),
    logout: expiredCookie,
  }
}

const REFUSALS = {
  local: (request: IncomingMessage) => {
    const elsewhere = notDirect(request)
    return elsewhere === undefined ? notFromHere(request) : denied(`${ACCESS} is local, and ${elsewhere} ${HOW_IN}`)
  },
  open: notFromHere,
  closed: () => denied(`Set ${TOKEN} and send it as a bearer token.`),
}

const HOW_IN = `To get in from elsewhere, set ${TOKEN}.`

function notFromHere(request: IncomingMessage): Answer | undefined {
  const reason = foreignHost(request) ?? foreignPage(request)
  return reason === undefined ? undefined : denied(`${reason} ${HOW_IN}`)
}

class TokenOperators implements Operators {
  readonly mode = 'token'
  readonly #expected: Buffer
  readonly #now: () => number
  readonly #onWrongToken: (request: IncomingMessage) => void
  readonly #failed = new FailedTokens()
  readonly #sessions = new Sessions()

  constructor(token: string, { now = () => performance.now(), onWrongToken = () => {} }: OperatorsOptions) {
    this.#expected = digest(token)
    this.#now = now
    this.#onWrongToken = onWrongToken
  }

  /** A token that is sent proves enough; a cookie comes with whatever a page of another site makes a browser send. */
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

  login(request: IncomingMessage, token: string): { cookie: string } | { refused: Answer } {
    const foreign = foreignPage(request)
    if (foreign !== undefined) return { refused: denied(foreign) }
    const refused = this.#wrong(request, token)
    if (refused !== undefined) return { refused }
    const id = this.#sessions.open(this.#now())
    return { cookie: `${COOKIE}=${id}; Max-Age=${SESSION_MS / 1000}; ${attributes(request)}` }
  }

  logout(request: IncomingMessage): string {
    const id = sessionOf(request)
    if (id !== undefined) this.#sessions.close(id)
    return expiredCookie(request)
  }

  #hasSession(request: IncomingMessage): boolean {
    const id = sessionOf(request)
    return id !== undefined && this.#sessions.has(id, this.#now())
  }

  /** Digests are compared: equal lengths, so that neither content nor length shows in the time it takes. */
  #wrong(request: IncomingMessage, token: string): Answer | undefined {
    const peer = peerOf(request)
    const blockedForMs = this.#failed.blockedForMs(peer, this.#now())
    if (blockedForMs > 0) return tooManyTokens(blockedForMs)
    if (timingSafeEqual(digest(token), this.#expected)) return undefined
    this.#failed.count(peer, this.#now())
    this.#onWrongToken(request)
    return tokenRequired()
  }
}

function sessionOf({ headers }: IncomingMessage): string | undefined {
  return /(?:^|; *)hookonce_session=([\w-]+)/.exec(headers.cookie ?? '')?.[1]
}

/** This server speaks no TLS: that the browser did is said by its Origin, or by the proxy. */
function attributes({ headers }: IncomingMessage): string {
  const secure = headers.origin?.startsWith('https:') || headers['x-forwarded-proto'] === 'https'
  return `Path=/; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`
}

const expiredCookie = (request: IncomingMessage) => `${COOKIE}=; Max-Age=0; ${attributes(request)}`

function tokenRequired(): Answer {
  return serverProblem('operator_token_required', {
    detail: `Send "Authorization: Bearer <token>" with the token of ${TOKEN}.`,
    headers: [['www-authenticate', 'Bearer realm="hookonce"']],
  })
}

function tooManyTokens(waitMs: number): Answer {
  return serverProblem('operator_token_guessed', {
    detail: 'Too many wrong tokens came from this address. None is looked at for a while.',
    headers: [['retry-after', String(Math.ceil(waitMs / 1000))]],
  })
}

const tokenUnset = (): Answer =>
  serverProblem('bad_request', { detail: `There is nothing to log in with: ${TOKEN} is not set.` })

function denied(detail: string): Answer {
  return serverProblem('operator_access_denied', { detail })
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
