import type { IncomingMessage } from 'node:http'
import { isLoopbackHost } from '../config.js'

/** What a proxy adds: a request that carries one does not come from where its connection does. */
const FORWARDING =
  /^(forwarded|via|x-forwarded(-.*)?|x-real-ip|x-client-ip|x-cluster-client-ip|x-original-(forwarded-for|host)|true-client-ip|cf-.*|fastly-client-ip|x-envoy-external-address)$/

/** The address that the connection comes from. */
export function peerOf(request: IncomingMessage): string {
  return request.socket.remoteAddress?.replace(/^::ffff:/, '') ?? ''
}

/** Why a request is not one that was made on this machine; `undefined`: it is. */
export function notDirect(request: IncomingMessage): string | undefined {
  if (!isLoopbackHost(peerOf(request))) return 'this request comes from another machine.'
  for (const name of Object.keys(request.headers)) {
    if (FORWARDING.test(name)) return `this request came through a proxy (${name}).`
  }
  return undefined
}

/** Keeps rebound host names out: a page of another site whose name leads here. */
export function foreignHost({ headers }: IncomingMessage): string | undefined {
  return isLoopbackHost(hostName(headers.host))
    ? undefined
    : 'The Host header does not name this machine (localhost, 127.0.0.1, [::1]).'
}

/** Keeps other sites' pages out of the operator's browser, by what browsers say and pages cannot (OWASP, CSRF). */
export function foreignPage({ headers }: IncomingMessage): string | undefined {
  const { host, origin, 'sec-fetch-site': site } = headers
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    return 'The request comes from a page of another site.'
  }
  // A proxy may have changed the Host; a browser that said "same-origin" has compared the one it saw.
  if (site === 'same-origin' || origin === undefined) return undefined
  return URL.canParse(origin) && new URL(origin).host === host
    ? undefined
    : 'The request comes from a page of another origin.'
}

function hostName(host: string | undefined): string {
  const name = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(:\d*)?$/i.exec(host ?? '')?.[1] ?? ''
  return name.replace(/^\[(.*)\]$/, '$1').toLowerCase()
}
