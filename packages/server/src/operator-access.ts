import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Answer } from 'hookonce'
import { isLoopbackHost, type OperatorAccess } from './config.js'
import { serverProblem } from './problems.js'
import { SETTINGS } from './settings.js'

const TOKEN = SETTINGS.adminToken.env
const ACCESS = SETTINGS.operatorAccess.env

/** What a proxy adds: a request that carries one does not come from where its connection does. */
const FORWARDING =
  /^(forwarded|via|x-forwarded(-.*)?|x-real-ip|x-client-ip|x-cluster-client-ip|x-original-(forwarded-for|host)|true-client-ip|cf-.*|fastly-client-ip|x-envoy-external-address)$/

/** Says who may use the operator routes: `undefined`, or the answer to whoever may not. */
export function operatorGuard(access: OperatorAccess): (request: IncomingMessage) => Answer | undefined {
  switch (access.mode) {
    case 'token': {
      const expected = digest(access.token)
      return request => (bearerMatches(request.headers.authorization, expected) ? undefined : tokenRequired())
    }
    case 'local':
      return request => refusal(notLocal(request) ?? notFromHere(request))
    case 'open':
      return request => refusal(notFromHere(request))
    case 'closed':
      return () => denied(`Set ${TOKEN} and send it as a bearer token.`)
  }
}

function tokenRequired(): Answer {
  return serverProblem('operator_token_required', {
    detail: `Send "Authorization: Bearer <token>" with the token of ${TOKEN}.`,
    headers: [['www-authenticate', 'Bearer realm="hookonce"']],
  })
}

function denied(detail: string): Answer {
  return serverProblem('operator_access_denied', { detail })
}

function refusal(reason: string | undefined): Answer | undefined {
  return reason === undefined ? undefined : denied(`${reason} To get in from elsewhere, set ${TOKEN}.`)
}

/** Digests are compared: equal lengths, so that neither content nor length shows in the time it takes. */
function bearerMatches(authorization: string | undefined, expected: Buffer): boolean {
  const token = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1]
  return token !== undefined && timingSafeEqual(digest(token), expected)
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

function notLocal(request: IncomingMessage): string | undefined {
  const peer = request.socket.remoteAddress?.replace(/^::ffff:/, '') ?? ''
  if (!isLoopbackHost(peer)) return `${ACCESS} is local, and this request comes from another machine.`
  for (const name of Object.keys(request.headers)) {
    if (FORWARDING.test(name)) return `${ACCESS} is local, and this request came through a proxy (${name}).`
  }
  return undefined
}

/** Keeps other web sites out of the operator's browser: rebound host names and foreign pages (OWASP CSRF, DNS rebinding). */
function notFromHere(request: IncomingMessage): string | undefined {
  const { host, origin, 'sec-fetch-site': site } = request.headers
  if (!isLoopbackHost(hostName(host)))
    return 'The Host header does not name this machine (localhost, 127.0.0.1, [::1]).'
  if (origin !== undefined && !(URL.canParse(origin) && new URL(origin).host === host)) {
    return 'The request comes from a page of another origin.'
  }
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    return 'The request comes from a page of another site.'
  }
  return undefined
}

function hostName(host: string | undefined): string {
  const name = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(:\d*)?$/i.exec(host ?? '')?.[1] ?? ''
  return name.replace(/^\[(.*)\]$/, '$1').toLowerCase()
}
