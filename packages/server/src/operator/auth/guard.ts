import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Answer } from 'hookonce'
import { serverProblem } from '../../http/problems.js'
import { respond } from '../../http/respond.js'
import { loginPage } from './login-page.js'

/** Authorises a request: the answer to one that is refused. */
export type Refusal = (request: FastifyRequest['raw']) => Answer | undefined

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route is for operators only. */
    operators?: true
  }
}

type Respond = (url: string, request: FastifyRequest) => Promise<Answer>

/** A route for operators only. */
export function forOperators(refusal: Refusal, answer: Respond) {
  return guarded(refusal, answer)
}

/** As {@link forOperators}, for a page: without a login it is the login page. */
export function pageForOperators(refusal: Refusal, answer: Respond) {
  return guarded(request => {
    const refused = refusal(request)
    return refused?.status === 401 ? loginPage(refused) : refused
  }, answer)
}

/** As {@link forOperators}, for a change: it needs a header that a form of a web page cannot set. */
export function changeForOperators(refusal: Refusal, answer: Respond) {
  return guarded(request => refusal(request) ?? missingIntent(request), answer)
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

/** Against CSRF: a page of another site needs a CORS preflight for either header, and it is never granted. */
export function missingIntent({ headers }: FastifyRequest['raw']): Answer | undefined {
  if (headers['x-hookonce-operator'] !== undefined) return undefined
  if (/^application\/json\b/i.test(headers['content-type'] ?? '')) return undefined
  return serverProblem('operator_access_denied', {
    detail: 'A change needs "Content-Type: application/json" or "X-Hookonce-Operator: 1".',
  })
}
