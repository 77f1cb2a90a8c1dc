import type { IncomingMessage } from 'node:http'
import type { Answer } from 'hookonce'
import { serverProblem } from './problems.js'

/** Node drops fields beyond a bound of its own in silence: what a proxy or a sender said last must not be lost unseen. */
const MOST_FIELDS = 200

export function tooManyHeaders({ rawHeaders }: IncomingMessage): Answer | undefined {
  if (rawHeaders.length <= 2 * MOST_FIELDS) return undefined
  return serverProblem('headers_too_large', { detail: `At most ${MOST_FIELDS} header fields are accepted.` })
}
