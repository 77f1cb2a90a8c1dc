import * as v from 'valibot'
import { KINDS } from '../config/kinds.js'
import { StartError } from '../config/start-error.js'

export const DEFAULT_URL = 'http://localhost:8000'

/** The URL of a server, as an option gives it. @throws {StartError} */
export function serverUrl(option: string, given: string | undefined): string {
  const url = given ?? DEFAULT_URL
  if (!v.is(KINDS.forwardTo.schema, url)) throw new StartError(`${option} ${KINDS.forwardTo.allowed}`)
  if (new URL(url).username !== '') throw new StartError(`${option} must have no user and no password`)
  return url
}
