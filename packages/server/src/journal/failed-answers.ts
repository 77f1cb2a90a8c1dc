import type { Handler, HandlerResponse, JournalEntry } from 'hookonce'
import type { ResolvedSource } from '../config/resolve.js'
import { pack, unpack } from './packed.js'
import type { JournalWriter } from './writer.js'

/** What is kept of a source: so many, and for so long. */
const MOST_KEPT = 2000
const KEEP_MS = 7 * 86_400_000
/** Of an answer so much is kept. */
const MOST_BYTES = 2048

/** The last answer of a handler that was no success. */
export interface FailedAnswer {
  /** When it was given, in ms since the epoch by the store's clock. */
  at: number
  /** The number of its attempt. */
  attempt: number
  status: number
  /** Of the whole body, as far as it was read. */
  bytes: number
  /** Its beginning. */
  body: Uint8Array
}

export const failedAnswerListOf = (source: string): string => `answers ${source}`

/** The same handler; the beginning of what it answers is kept if its attempt fails. */
export function withFailedAnswers(
  handler: Handler,
  { options, shown }: ResolvedSource,
  writer: JournalWriter,
): Handler {
  const list = failedAnswerListOf(options.name)
  return async (delivery, attempt) => {
    const answer = await handler(delivery, attempt)
    const { key, number } = attempt
    if (key !== null && !isSuccess(answer)) {
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

export function failedAnswerIn({ at, value }: JournalEntry): FailedAnswer {
  const { facts, bytes: body } = unpack<Omit<FailedAnswer, 'at' | 'body'>>(value)
  return { ...facts, at, body }
}
