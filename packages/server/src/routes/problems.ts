import type { FastifyInstance } from 'fastify'
import { SERVER_PROBLEMS, type ServerProblemCode, serverProblem } from '../problems.js'
import { jsonAnswer, respond } from '../respond.js'

/** What the `type` of a problem leads to (RFC 9457 §3.1.1). */
export function problemRoutes(app: FastifyInstance): void {
  app.get<{ Params: { code: string } }>('/problems/:code', (request, reply) => {
    const { code } = request.params
    if (!Object.hasOwn(SERVER_PROBLEMS, code)) {
      return respond(reply, serverProblem('not_found', { detail: 'There is no problem of this name.' }))
    }
    const [status, title] = SERVER_PROBLEMS[code as ServerProblemCode]
    respond(reply, jsonAnswer({ type: `/problems/${code}`, code, status, title }))
  })
}
