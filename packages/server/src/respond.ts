import type { FastifyReply } from 'fastify'
import type { Answer } from 'hookonce'
import { sendAnswer } from './send-answer.js'

export function respond(reply: FastifyReply, answer: Answer): void {
  reply.hijack()
  sendAnswer(reply.raw, answer)
}

export function jsonAnswer(body: unknown, status = 200): Answer {
  return textAnswer('application/json', JSON.stringify(body), status)
}

export function textAnswer(contentType: string, text: string, status = 200): Answer {
  const headers = [
    ['content-type', contentType],
    ['cache-control', 'no-store'],
    ['x-content-type-options', 'nosniff'],
  ] as const
  return { status, headers, body: Buffer.from(text), outcome: 'executed' }
}
