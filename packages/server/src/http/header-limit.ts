import type { IncomingMessage } from 'node:http'
import { type Answer, MAX_HEADER_FIELDS, problem } from 'hookonce'

/** The refusal of a request with more fields than are read. Node would drop the last ones silently. */
export function tooManyHeaders({ rawHeaders }: IncomingMessage): Answer | undefined {
  if (rawHeaders.length <= 2 * MAX_HEADER_FIELDS) return undefined
  const detail = `At most ${MAX_HEADER_FIELDS} header fields are accepted.`
  return problem('headers_too_large', { detail, outcome: 'invalid' })
}
