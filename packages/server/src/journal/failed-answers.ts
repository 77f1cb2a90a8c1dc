import type { Handler, HandlerResponse, Journal } from 'hookonce'
import type { ResolvedSource } from '../config/resolve.js'
import type { FailedAnswer } from '../http/record-json.js'
import { pack, unpack } from './packed.js'
import type { JournalWriter } from './writer.js'

/** What is kept of a source: so many, and for so long. */
const MOST_KEPT = 2000
const KEEP_MS = 7 * 86_400_000
/** Of an answer so much is kept. */
const MOST_BYTES = 2048

const listOf = (source: string): string => `answers ${source}`

/** The same handler; the beginning of what it answers is kept if its attempt fails. */
export function withFailedAnswers(
  handler: Handler,
  { options, shown }: ResolvedSource,
  writer: JournalWriter,
): Handler {
  const list = listOf(options.name)
  return async (delivery, attempt) => {
    const answer = await handler(delivery, attempt)
    if (isSuccess(answer)) return answer
    const { key, number, signal } = attempt
    // What is made of an attempt that is over tells nothing of the application.
    if (key !== null && !signal.aborted) {
      const { status, body } = answer
      const facts = { attempt: number, status, bytes: body.length }
      const value = pack(facts, shown.bodies ? body.subarray(0, MOST_BYTES) : NO_BODY)
      writer.add({ list, id: key, keepMs: KEEP_MS, value }, MOST_KEPT)
    }
    return answer
  }
}

const NO_BODY = new Uint8Array()

const isSuccess = ({ status }: HandlerResponse): boolean => status >= 200 && status <= 299

/** The last answer that failed an attempt of this record; `undefined`: none is kept. */
export async function readFailedAnswer(
  journal: Journal,
  { scope, key, createdAt }: { scope: string; key: string; createdAt: number },
): Promise<FailedAnswer | undefined> {
  const entry = await journal.find(listOf(scope), key)
  // It may be of an earlier record of the key.
  if (entry === undefined || entry.at < createdAt) return undefined
  const { facts, bytes: body } = unpack<Omit<FailedAnswer, 'at' | 'body'>>(entry.value)
  return { ...facts, at: entry.at, body }
}
