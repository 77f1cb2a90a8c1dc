/** RFC 9110 §7.6.1: these headers belong to one connection and are not forwarded. */
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
 * A lower-case name with `-` for all but letters and digits. CGI, WSGI, PHP and others map several such names to one
 * (`x_hookonce_attempt`, `x.hookonce.attempt`), so that names are compared in this form.
 */
export const foldedName = (name: string): string => (UNUSUAL.test(name) ? name.replace(/[^a-z0-9]/g, '-') : name)

/**
 * A message's end-to-end headers, names in lower case: those that are not hop-by-hop, not listed in `Connection` and
 * not `dropped`.
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

/** Headers that only a Hookonce receiver sets. A sender's are dropped: they are forged. */
export function isReserved(name: string): boolean {
  if (name.charCodeAt(0) !== LETTER_X) return false
  const folded = foldedName(name)
  return folded.startsWith('x-hookonce-') || isCacheMark(folded)
}

/** Whether a header marks a response as a replay, which only a receiver does. */
export const isReplayMark = (folded: string): boolean => folded === 'idempotent-replayed' || isCacheMark(folded)

const isCacheMark = (folded: string): boolean => folded === 'x-cached' || folded.startsWith('x-cached-')

const LETTER_X = 0x78
