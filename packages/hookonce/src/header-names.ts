/** RFC 9110 §7.6.1: what belongs to one connection, and is never handed on. In lower case, folded. */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

const UNUSUAL = /[^a-z0-9-]/

/**
 * A lower-case name with `-` for all that is neither letter nor digit. CGI, WSGI, PHP and others show an application
 * several such names as one (`x_hookonce_attempt`, `x.hookonce.attempt`), so whatever is dropped by name is dropped by this.
 */
export const foldedName = (name: string): string => (UNUSUAL.test(name) ? name.replace(/[^a-z0-9]/g, '-') : name)

/** The names that `Connection` fields say belong to this connection too, folded. */
export function connectionOptions(values: readonly string[]): ReadonlySet<string> {
  const named = new Set<string>()
  for (const value of values) for (const option of value.split(',')) named.add(foldedName(option.trim().toLowerCase()))
  return named
}

/** Headers that only a Hookonce receiver may set; a sender's are dropped, so that nobody is fooled by them. */
const RESERVED = /^x[^a-z0-9](hookonce[^a-z0-9].*|cached([^a-z0-9].*)?)$/

/** Says of a response that it is a replay: only a receiver may. */
const REPLAY_MARK = /^(x[^a-z0-9]cached([^a-z0-9].*)?|idempotent[^a-z0-9]replayed)$/

export const isReserved = (name: string): boolean => name.charCodeAt(0) === LETTER_X && RESERVED.test(name)

export const isReplayMark = (name: string): boolean => REPLAY_MARK.test(name)

const LETTER_X = 0x78
