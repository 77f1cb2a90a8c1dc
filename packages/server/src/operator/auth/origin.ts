import type { IncomingMessage } from 'node:http'
import { isLoopbackHost } from '../../config/loopback.js'
import { peerOf } from '../../http/peer.js'

/** Headers that proxies and CDNs add: the client of such a request is not the peer of its connection. */
const FORWARDING =
  /^(forwarded|via|cdn-loop|x-forwarded(-.*)?|x-real-ip|x-(client|cluster-client|proxyuser)-ip|x-original-.*|true-client-ip|cf-.*|fastly-client-ip|fly-.*|x-envoy-.*|x-(azure|arr)-.*|x-amzn-trace-id|x-cloud-trace-context)$/

/** A trial checks every request, and nearly all have the same address and host: the last result is cached. */
const isOwnAddress = cachedLast(isLoopbackHost)
const isOwnHost = cachedLast((host: string | undefined) => isLoopbackHost(hostName(host)))

function cachedLast<T>(test: (value: T) => boolean): (value: T) => boolean {
  let last: T | undefined
  let result: boolean | undefined
  return value => {
    if (result === undefined || value !== last) {
      last = value
      result = test(value)
    }
    return result
  }
}

/** The first sign that a request is not from this machine; `undefined`: there is none. */
export function signOfOthers(request: IncomingMessage): string | undefined {
  if (!isOwnAddress(peerOf(request))) return 'this request comes from another machine.'
  return throughProxy(request) ?? foreignHost(request) ?? foreignPage(request)
}

/** The sign of a proxy; `undefined`: none is visible, which does not prove that there is none. */
export function throughProxy({ headers, httpVersion }: IncomingMessage): string | undefined {
  for (const name in headers) {
    if (FORWARDING.test(name)) return `this request came through a proxy (${name}).`
  }
  // The default of nginx as a proxy; clients hardly use it.
  return httpVersion === '1.0' ? 'this request came by HTTP/1.0, as proxies speak it.' : undefined
}

/** Against DNS rebinding: a page of another site whose host name resolves to this machine. */
export function foreignHost({ headers }: IncomingMessage): string | undefined {
  return isOwnHost(headers.host)
    ? undefined
    : 'the Host header does not name this machine (localhost, 127.0.0.1, [::1]).'
}

/** Against CSRF, by headers that browsers set and pages cannot (OWASP). */
export function foreignPage({ headers }: IncomingMessage): string | undefined {
  const { host, origin, 'sec-fetch-site': site } = headers
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    return 'the request comes from a page of another site.'
  }
  // A proxy may change Host; "same-origin" is the browser's own comparison.
  if (site === 'same-origin' || origin === undefined) return undefined
  return URL.canParse(origin) && new URL(origin).host === host
    ? undefined
    : 'the request comes from a page of another origin.'
}

function hostName(host: string | undefined): string {
  const name = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(:\d*)?$/i.exec(host ?? '')?.[1] ?? ''
  return name.replace(/^\[(.*)\]$/, '$1').toLowerCase()
}
