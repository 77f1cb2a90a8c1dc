import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Answer } from 'hookonce'
import { respond } from './respond.js'

/** What a route for operators is closed by. */
export type Refusal = (request: FastifyRequest['raw']) => Answer | undefined

/** A route whose requests are refused before anything else, unless they come from an operator. */
export function forOperators(refusal: Refusal, answer: (url: string) => Promise<Answer>) {
  return {
    onRequest: (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
      const refused = refusal(request.raw)
      if (refused === undefined) done()
      else respond(reply, refused)
    },
    handler: async (request: FastifyRequest, reply: FastifyReply): Promise<void> =>
      respond(reply, await answer(request.raw.url!)),
  }
}
