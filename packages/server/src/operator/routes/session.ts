import type { FastifyInstance, FastifyRequest } from 'fastify'
import { json, OPERATOR_HEADER, OPERATORS, problems, query } from '../../http/openapi/answers.js'
import { jsonAnswer, respond } from '../../http/respond.js'
import type { Audit } from '../audit.js'
import { missingIntent } from '../auth/guard.js'
import type { Operators } from '../auth/operators.js'

export interface SessionContext {
  operators: Operators
  audit: Audit
}

const LOGIN = {
  type: 'object',
  additionalProperties: false,
  required: ['token'],
  properties: { token: { type: 'string', minLength: 1, maxLength: 1024, examples: ['the-admin-token'] } },
}

/** Only the browser knows where a proxy put this server. */
const PATH = {
  type: 'string',
  pattern: "^/([A-Za-z0-9_.~!$&'()*+,=:@%-]+/)*$",
  maxLength: 1024,
  default: '/',
  description: 'where the browser sees this server: the path of the cookie',
}

/** Anybody may send it. */
const MAX_LOGIN_BYTES = 4_096

const REFUSED = ['operator_access_denied', 'bad_request', 'internal_error'] as const

/** Login for browsers: the token is sent once, for a cookie that scripts cannot read. */
export function sessionRoutes(app: FastifyInstance, { operators, audit }: SessionContext): void {
  // Public: a login comes before authorisation.
  const open = { tags: OPERATORS.tags, ...query({}) }
  const atPath = { tags: OPERATORS.tags, ...query({ path: PATH }) }

  app.get('/api/session', {
    schema: {
      ...open,
      summary: 'The access rule of the operator routes, and whether this browser is logged in',
      response: { ...json('the session', 'Session'), ...problems(...REFUSED) },
    },
    handler: async (request, reply) =>
      respond(reply, jsonAnswer({ access: operators.mode, logged_in: operators.isLoggedIn(request.raw) })),
  })

  app.post('/api/session', {
    bodyLimit: MAX_LOGIN_BYTES,
    schema: {
      ...atPath,
      summary: 'Log in with the token, for twelve hours',
      body: LOGIN,
      response: {
        ...json('with the cookie', 'Session'),
        ...problems(
          ...REFUSED,
          'operator_token_required',
          'operator_token_guessed',
          'media_type_invalid',
          'body_too_large',
        ),
      },
    },
    handler: async (request, reply) => {
      const login = operators.login(request.raw, pathIn(request), (request.body as { token: string }).token)
      if ('refused' in login) return respond(reply, login.refused)
      audit(request.raw, { action: 'login', outcome: 'logged_in' })
      const answer = jsonAnswer({ access: operators.mode, logged_in: true })
      respond(reply, { ...answer, headers: [...answer.headers, ['set-cookie', login.cookie]] })
    },
  })

  app.delete('/api/session', {
    schema: {
      ...atPath,
      summary: 'Log out',
      ...OPERATOR_HEADER,
      response: { ...json('the cookie is gone', 'Session'), ...problems(...REFUSED) },
    },
    handler: async (request, reply) => {
      const refused = missingIntent(request.raw)
      if (refused !== undefined) return respond(reply, refused)
      const cookie = operators.logout(request.raw, pathIn(request))
      audit(request.raw, { action: 'logout', outcome: 'logged_out' })
      const answer = jsonAnswer({ access: operators.mode, logged_in: false })
      respond(reply, { ...answer, headers: [...answer.headers, ['set-cookie', cookie]] })
    },
  })
}

const pathIn = ({ query }: FastifyRequest): string => (query as { path: string }).path
