import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { requestIdOf } from 'hookonce'

const PROCESS = randomBytes(5).toString('hex')
let count = 0

/** The `X-Request-Id` of a request if it is valid, else a unique id. */
export function requestIdFor({ headers }: IncomingMessage): string {
  const given = headers['x-request-id']
  return (given === undefined ? null : requestIdOf([given].flat())) ?? `${PROCESS}-${(++count).toString(36)}`
}
