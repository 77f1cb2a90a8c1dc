import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { requestIdOf } from 'hookonce'

export const REQUEST_ID_HEADER = 'x-request-id'

const PROCESS = randomBytes(5).toString('hex')
let count = 0

/** Of the requests that are no deliveries. */
const ids = new WeakMap<IncomingMessage, string>()

/** The id of a request, the same at each call. A delivery, of which there are many, keeps its own by {@link requestIdFor}. */
export function requestIdIn(request: IncomingMessage): string {
  const known = ids.get(request)
  if (known !== undefined) return known
  const id = requestIdFor(request)
  ids.set(request, id)
  return id
}

/** The `X-Request-Id` of a request if it is valid, else a unique id. */
export function requestIdFor({ headers }: IncomingMessage): string {
  const given = headers['x-request-id']
  return (given === undefined ? null : requestIdOf([given].flat())) ?? `${PROCESS}-${(++count).toString(36)}`
}
