import type { Answer } from 'hookonce'
import { responseJson } from '../http/record-json.js'

/** The answer to a delivery as operators are shown it, and how long it took. The rest of a large body is not read. */
export async function answered(deliver: () => Promise<Answer>) {
  const startedAt = performance.now()
  const { status, headers, body, rest } = await deliver()
  const ms = performance.now() - startedAt
  if (rest !== undefined) void rest[Symbol.asyncIterator]().return?.()
  const bodyOmitted = rest !== undefined
  return { ...responseJson({ status, headers, body: bodyOmitted ? new Uint8Array() : body, bodyOmitted }), ms }
}
