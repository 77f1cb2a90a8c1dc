import type { IncomingMessage } from 'node:http'
import type { FastifyReply } from 'fastify'
import type { Answer, HeaderList } from 'hookonce'
import { sendAnswer } from './send-answer.js'

/** Headers of every answer except those to deliveries: no cache, no frame, no other site. */
const SECURITY: HeaderList = [
  ['cache-control', 'no-store'],
  ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
  ['cross-origin-resource-policy', 'same-origin'],
  ['referrer-policy', 'no-referrer'],
  ['x-content-type-options', 'nosniff'],
  ['x-frame-options', 'DENY'],
]

/** For what is read while it is written: nginx keeps small parts back until it has a buffer full of them. */
export const UNBUFFERED: HeaderList[number] = ['x-accel-buffering', 'no']

/** Answers a request that is not a delivery. */
export function respond(reply: FastifyReply, answer: Answer): void {
  reply.hijack()
  const own = new Set(answer.headers.map(([name]) => name))
  const headers = [...answer.headers, ...SECURITY.filter(([name]) => !own.has(name))]
  sendAnswer(reply.raw, { ...answer, headers }, reply.request.id)
}

export function jsonAnswer(body: unknown, status = 200): Answer {
  return textAnswer('application/json', JSON.stringify(body), status)
}

export function textAnswer(contentType: string, text: string, status = 200): Answer {
  return { status, headers: [['content-type', contentType]], body: Buffer.from(text), outcome: 'executed' }
}

/** A line of JSON for each. `finished` is called with the last, also after an interruption. */
export function linesAnswer<T>(lines: AsyncIterable<T>, finished: (last?: T) => void = () => {}): Answer {
  return {
    status: 200,
    headers: [['content-type', 'application/x-ndjson'], UNBUFFERED],
    body: new Uint8Array(),
    rest: textOf(lines, finished),
    outcome: 'executed',
  }
}

async function* textOf<T>(lines: AsyncIterable<T>, finished: (last?: T) => void): AsyncGenerator<Uint8Array> {
  let last: T | undefined
  try {
    for await (const line of lines) {
      last = line
      yield Buffer.from(`${JSON.stringify(line)}\n`)
    }
  } finally {
    finished(last)
  }
}

/** Whether the client is a browser. */
export function acceptsHtml({ headers }: IncomingMessage): boolean {
  return /\btext\/html\b/.test(headers.accept ?? '')
}
