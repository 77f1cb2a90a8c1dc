import { ConfigurationError } from '../errors.js'

const MISREAD =
  'user and password have to be percent-encoded in a URL (@ is %40, # is %23, / is %2F, ? is %3F, % is %25), and what it has now is read as something else'

/**
 * Checks that the URL of a store's server is parsed as it is meant. A password with unencoded `@`, `/`, `?` or `#` ends
 * a part of the URL early: its rest is read as a host, and shown in error messages.
 *
 * @param what the URL's name in the message
 * @throws {ConfigurationError} the URL is misread; the message shows no part of it
 */
export function checkConnectionUrl(url: string, what: string): void {
  const [, authority = '', rest = ''] = /^\w+:\/\/([^/?#]*)(.*)$/s.exec(url) ?? []
  const [path = '', query = ''] = rest.split(/\?(.*)/s, 2)
  const isMisread =
    rest.includes('#') ||
    path.includes('@') ||
    // An option's value may have an `@`.
    /^[^=]*@|&[^=]*@/.test(query) ||
    !isDecodable(authority.slice(0, Math.max(0, authority.lastIndexOf('@')))) ||
    // A Postgres URL may have its host in an option.
    (authority.includes('@') && !URL.canParse(url.replace(/@(?=[/?]|$)/, '@host'))) ||
    (!authority.includes('@') && rest.includes('@') && !URL.canParse(url))
  if (isMisread) throw new ConfigurationError(`${what}: ${MISREAD}`)
}

function isDecodable(text: string): boolean {
  try {
    // Used, because some bundlers remove a call whose result is not.
    return typeof decodeURIComponent(text) === 'string'
  } catch {
    return false
  }
}
