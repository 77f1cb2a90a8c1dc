import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Answer } from 'hookonce'
import { serverProblem } from '../../http/problems.js'
import { respond } from '../../http/respond.js'
import { loginPage } from './login-page.js'

/** What a route for operators is closed by. */
export type Refusal = (request: FastifyRequest['raw']) => Answer | undefined

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Nobody but operators gets anything else than a refusal from this route. */
    operators?: true
  }
}

type Respond = (url: string, request: FastifyRequest) => Promise<Answer>

/** A route whose requests are refused before anything else, unless they come from an operator. */
export function forOperators(refusal: Refusal, answer: Respond) {
  return guarded(refusal, answer)
}

/** As {@link forOperators}, of a page: who is not logged in is asked to. */
export function pageForOperators(refusal: Refusal, answer: Respond) {
  return guarded(request => {
    const refused = refusal(request)
    return refused?.status === 401 ? loginPage(refused) : refused
  }, answer)
}

/** As {@link forOperators}, of a route that changes something: no form of a web page can make such a request. */
export function changeForOperators(refusal: Refusal, answer: Respond) {
  return guarded(request => refusal(request) ?? withoutIntent(request), answer)
}

function guarded(refusal: Refusal, answer: Respond) {
  return {
    config: { operators: true as const },
    onRequest: (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
      const refused = refusal(request.raw)
      if (refused === undefined) done()
      else respond(reply, refused)
    },
    handler: async (request: FastifyRequest, reply: FastifyReply): Promise<void> =>
      respond(reply, await answer(request.raw.url!, request)),
  }
}

/** Pages of other sites cannot set either without being asked first whether they may, and nobody here says yes. */
export function withoutIntent({ headers }: FastifyRequest['raw']): Answer | undefined {
  if (headers['x-hookonce-operator'] !== undefined) return undefined
  if (/^application\/json\b/i.test(headers['content-type'] ?? '')) return undefined
  return serverProblem('operator_access_denied', {
    detail: 'A change needs "Content-Type: application/json" or "X-Hookonce-Operator: 1".',
  })
}
