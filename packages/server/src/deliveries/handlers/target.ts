import type { RequestOptions } from 'node:http'
import { urlToHttpOptions } from 'node:url'

/** Where deliveries are forwarded to. */
export interface Target {
  /** Host, port and protocol. */
  options: RequestOptions
  host: string
  path: string
  /** The names of its query's parameters, folded. */
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
    path: url.pathname + url.search,
    parameters: new Set(url.search === '' ? [] : url.search.slice(1).split(SEPARATOR).map(foldedParameter)),
    authorization: credentials === ':' ? undefined : `Basic ${Buffer.from(credentials).toString('base64')}`,
    password: decodeURIComponent(password),
  }
}

/** Some take a semicolon for an ampersand. */
const SEPARATOR = /[&;]/

/**
 * The sender's query is part of what it said; path and host are the target's, and so is what its own query says: the
 * sender's parameters of these names are left out, whatever an application may take for one of them.
 */
export function pathFor({ path, parameters }: Target, deliveryUrl: string): string {
  const at = deliveryUrl.indexOf('?')
  if (at === -1 || at === deliveryUrl.length - 1) return path
  const query = deliveryUrl.slice(at + 1)
  if (parameters.size === 0) return `${path}?${query}`
  const kept = query.split('&').filter(part => !part.split(';').some(each => parameters.has(foldedParameter(each))))
  return kept.length === 0 ? path : `${path}&${kept.join('&')}`
}

/** A parameter's name in the form that the most lenient parsers see: decoded, without case, as PHP names its variables. */
function foldedParameter(parameter: string): string {
  const [name = ''] = parameter.split('=', 1)
  return name
    .replaceAll('+', ' ')
    .replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replace(/^\s+/, '')
    .replace(/(?:\0|\[.*\]).*$/s, '')
    .replace(/[ .[]/g, '_')
    .toLowerCase()
}
