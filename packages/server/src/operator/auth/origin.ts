import type { IncomingMessage } from 'node:http'
import { isLoopbackHost } from '../../config/loopback.js'

/** What proxies and those in front of them add: a request that carries one does not come from where its connection does. */
const FORWARDING =
  /^(forwarded|via|cdn-loop|x-forwarded(-.*)?|x-real-ip|x-(client|cluster-client|proxyuser)-ip|x-original-.*|true-client-ip|cf-.*|fastly-client-ip|fly-.*|x-envoy-.*|x-(azure|arr)-.*|x-amzn-trace-id|x-cloud-trace-context)$/

/** The address that the connection comes from. */
export function peerOf(request: IncomingMessage): string {
  return request.socket.remoteAddress?.replace(/^::ffff:/, '') ?? ''
}

/** Requests of a trial come from one or two addresses, to one or two names: what was found of the last is kept. */
const isOwnAddress = ofTheLast(isLoopbackHost)
const isOwnHost = ofTheLast((host: string | undefined) => isLoopbackHost(hostName(host)))

function ofTheLast<T>(question: (value: T) => boolean): (value: T) => boolean {
  let last: T | undefined
  let answer: boolean | undefined
  return value => {
    if (answer === undefined || value !== last) {
      last = value
      answer = question(value)
    }
    return answer
  }
}

/** The first sign that a request is of somebody else than this machine's user; `undefined`: there is none. */
export function signOfOthers(request: IncomingMessage): string | undefined {
  if (!isOwnAddress(peerOf(request))) return 'this request comes from another machine.'
  return throughProxy(request) ?? foreignHost(request) ?? foreignPage(request)
}

/** What shows that a proxy passed a request on; `undefined`: nothing does, which does not say that there is none. */
export function throughProxy({ headers, httpVersion }: IncomingMessage): string | undefined {
  for (const name in headers) {
    if (FORWARDING.test(name)) return `this request came through a proxy (${name}).`
  }
  // nginx' default, and hardly a client's.
  return httpVersion === '1.0' ? 'this request came by HTTP/1.0, as proxies speak it.' : undefined
}

/** Keeps rebound host names out: a page of another site whose name leads here. */
export function foreignHost({ headers }: IncomingMessage): string | undefined {
  return isOwnHost(headers.host)
    ? undefined
    : 'the Host header does not name this machine (localhost, 127.0.0.1, [::1]).'
}

/** Keeps other sites' pages out of the operator's browser, by what browsers say and pages cannot (OWASP, CSRF). */
export function foreignPage({ headers }: IncomingMessage): string | undefined {
  const { host, origin, 'sec-fetch-site': site } = headers
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    return 'the request comes from a page of another site.'
  }
  // A proxy may have changed the Host; a browser that said "same-origin" has compared the one it saw.
  if (site === 'same-origin' || origin === undefined) return undefined
  return URL.canParse(origin) && new URL(origin).host === host
    ? undefined
    : 'the request comes from a page of another origin.'
}

function hostName(host: string | undefined): string {
  const name = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(:\d*)?$/i.exec(host ?? '')?.[1] ?? ''
  return name.replace(/^\[(.*)\]$/, '$1').toLowerCase()
}
