/** RFC 9110 §7.6.1: belongs to one connection, and is never handed on. */
const HOP_BY_HOP = new Set([
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
 * several such names as one (`x_hookonce_attempt`, `x.hookonce.attempt`): what is dropped by its name is dropped by this.
 */
export const foldedName = (name: string): string => (UNUSUAL.test(name) ? name.replace(/[^a-z0-9]/g, '-') : name)

/**
 * What may be handed on of a message's headers, names in lower case: all that does not belong to its connection, by its
 * name or by a `Connection` field, and is not `dropped` besides.
 */
export function endToEnd(
  headers: Iterable<readonly [name: string, value: string]>,
  dropped: (folded: string, name: string) => boolean,
): [name: string, value: string][] {
  const kept: [string, string][] = []
  let connection: string | undefined
  for (const [name, value] of headers) {
    const lower = name.toLowerCase()
    const folded = foldedName(lower)
    if (folded === 'connection') connection = connection === undefined ? value : `${connection},${value}`
    else if (!HOP_BY_HOP.has(folded) && !dropped(folded, lower)) kept.push([lower, value])
  }
  if (connection === undefined) return kept
  const named = new Set(connection.split(',').map(option => foldedName(option.trim().toLowerCase())))
  return kept.filter(([name]) => !named.has(foldedName(name)))
}

/** Headers that only a Hookonce receiver may set; a sender's are dropped, so that nobody is fooled by them. */
export function isReserved(name: string): boolean {
  if (name.charCodeAt(0) !== LETTER_X) return false
  const folded = foldedName(name)
  return folded.startsWith('x-hookonce-') || isCacheMark(folded)
}

/** Whether a header says of a response that it is a replay, which only a receiver may. */
export const isReplayMark = (folded: string): boolean => folded === 'idempotent-replayed' || isCacheMark(folded)

const isCacheMark = (folded: string): boolean => folded === 'x-cached' || folded.startsWith('x-cached-')

const LETTER_X = 0x78
