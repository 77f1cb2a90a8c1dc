import { ConfigurationError } from '../errors.js'

const MISREAD =
  'user and password have to be percent-encoded in a URL (@ is %40, # is %23, / is %2F, ? is %3F, % is %25), and what it has now is read as something else'

/**
 * A URL of a store's server that cannot have been read as it was meant, mostly because its password has characters that
 * end a part of a URL. What it says would be taken for a host, and told in messages.
 *
 * @param what names it in the message
 * @throws {ConfigurationError} without any part of the URL
 */
export function checkConnectionUrl(url: string, what: string): void {
  const [, authority = '', rest = ''] = /^\w+:\/\/([^/?#]*)(.*)$/s.exec(url) ?? []
  const [path = '', query = ''] = rest.split(/\?(.*)/s, 2)
  const isMisread =
    rest.includes('#') ||
    path.includes('@') ||
    // The value of an option may have one.
    /^[^=]*@|&[^=]*@/.test(query) ||
    !isDecodable(authority.slice(0, Math.max(0, authority.lastIndexOf('@')))) ||
    // A URL of Postgres may leave the host to its options.
    (authority.includes('@') && !URL.canParse(url.replace(/@(?=[/?]|$)/, '@host'))) ||
    (!authority.includes('@') && rest.includes('@') && !URL.canParse(url))
  if (isMisread) throw new ConfigurationError(`${what}: ${MISREAD}`)
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}
