import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { requestIdOf } from 'hookonce'

const PROCESS = randomBytes(5).toString('hex')
let count = 0

/** What a request calls itself (`X-Request-Id`), if that is fit for a log; else a name that no other request has. */
export function nameOf({ headers }: IncomingMessage): string {
  const given = headers['x-request-id']
  return (given === undefined ? null : requestIdOf([given].flat())) ?? `${PROCESS}-${(++count).toString(36)}`
}
