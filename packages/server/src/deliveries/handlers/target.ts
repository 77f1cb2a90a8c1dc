import type { RequestOptions } from 'node:http'
import { urlToHttpOptions } from 'node:url'
import type { ForwardPeer } from '../../observability/telemetry/forward-span.js'

/** Where deliveries are forwarded to. */
export interface Target {
  /** Host, port and protocol. */
  options: RequestOptions
  host: string
  peer: ForwardPeer
  path: string
  /** The parameter names of its query, normalised. */
  parameters: ReadonlySet<string>
  /** Credentials in the URL are sent as `Authorization` and appear nowhere else. */
  authorization: string | undefined
  password: string
}

export function parseTarget(text: string): Target {
  const url = new URL(text)
  const { username, password } = url
  url.username = ''
  url.password = ''
  const { protocol, hostname, port } = urlToHttpOptions(url) as RequestOptions
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return {
    options: { protocol, hostname, ...(port !== undefined && { port }) },
    host: url.host,
    peer: { address: hostname!, port: Number(port ?? (protocol === 'https:' ? 443 : 80)) },
    path: url.pathname + url.search,
    parameters: new Set(url.search === '' ? [] : url.search.slice(1).split(SEPARATOR).map(normalisedName)),
    authorization: credentials === ':' ? undefined : `Basic ${Buffer.from(credentials).toString('base64')}`,
    password: decodeURIComponent(password),
  }
}

/** Some parsers split at semicolons too. */
const SEPARATOR = /[&;]/

/**
 * The target's path and query, then the sender's query without the parameters that the target sets itself, in any
 * spelling that an application may read as one of them.
 */
export function pathFor({ path, parameters }: Target, deliveryUrl: string): string {
  const at = deliveryUrl.indexOf('?')
  if (at === -1 || at === deliveryUrl.length - 1) return path
  const query = deliveryUrl.slice(at + 1)
  if (parameters.size === 0) return `${path}?${query}`
  const kept = query.split('&').filter(part => !part.split(';').some(each => parameters.has(normalisedName(each))))
  return kept.length === 0 ? path : `${path}&${kept.join('&')}`
}

/** A parameter's name as the most lenient parser reads it: decoded, in lower case, by PHP's rules for variable names. */
function normalisedName(parameter: string): string {
  const [name = ''] = parameter.split('=', 1)
  return name
    .replaceAll('+', ' ')
    .replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replace(/^\s+/, '')
    .replace(/(?:\0|\[.*\]).*$/s, '')
    .replace(/[ .[]/g, '_')
    .toLowerCase()
}
