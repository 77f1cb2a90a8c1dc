import type { IncomingMessage } from 'node:http'
import { type Answer, MAX_HEADER_FIELDS, problem } from 'hookonce'

/** Node drops fields beyond a bound of its own in silence: what a proxy or a sender said last must not be lost unseen. */
export function tooManyHeaders({ rawHeaders }: IncomingMessage): Answer | undefined {
  if (rawHeaders.length <= 2 * MAX_HEADER_FIELDS) return undefined
  const detail = `At most ${MAX_HEADER_FIELDS} header fields are accepted.`
  return problem('headers_too_large', { detail, outcome: 'invalid' })
}
